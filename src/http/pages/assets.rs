//! What the pages load: one stylesheet, own scripts, one picture. All of it is in the binary.

use super::refusal::{PageRefused, nothing_here};
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Path;

/// The files: name, type, content.
const ASSETS: &[(&str, &str, &str)] = &[
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/style.css")),
    ),
    (
        "live.js",
        "text/javascript; charset=utf-8",
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/live.js")),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/icon.svg")),
    ),
];

/// Asked for again when the node is another version; in between a page loads them once an hour.
const KEPT: &str = "private, max-age=3600";

/// One of them.
pub(super) async fn asset(name: Path<String>) -> Result<HttpResponse, PageRefused> {
    let found = ASSETS.iter().find(|(found, ..)| *found == name.as_str());
    let Some((_, kind, content)) = found else {
        return nothing_here().await;
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, *kind))
        .insert_header((CACHE_CONTROL, KEPT))
        .insert_header(("x-content-type-options", "nosniff"))
        .insert_header((
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'",
        ))
        .body(*content))
}

/// Part of the address of each, so that another version of the program is loaded anew.
pub(super) fn version() -> &'static str {
    static VERSION: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    VERSION.get_or_init(|| {
        let mut hash = blake3::Hasher::new();
        for (_, _, content) in ASSETS {
            hash.update(content.as_bytes());
        }
        hash.finalize().to_hex()[..12].to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_scripts_together_stay_small_and_name_no_other_host() {
        let scripts = ASSETS.iter().filter(|(name, ..)| name.ends_with(".js"));
        let bytes: usize = scripts.map(|(.., content)| content.len()).sum();
        assert!(bytes <= 30 * 1024, "{bytes}");
        let all: usize = ASSETS.iter().map(|(.., content)| content.len()).sum();
        assert!(all <= 70 * 1024, "a first load is 80 KB at most: {all}");
        for (name, _, content) in ASSETS {
            let elsewhere = content.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !elsewhere.contains("//") || !elsewhere.contains("://"),
                "{name}"
            );
        }
    }
}
