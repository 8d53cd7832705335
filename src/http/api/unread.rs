//! What is said of a body that can't be read: in words for whoever wrote it, and not in those of the parser.

/// Why a body is not what was wanted, by what its parser says.
pub(super) fn why(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let what = text
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&text);
    let what = match what.split_once(": ") {
        Some(("invalid type" | "invalid value", rest)) => out_of_place(rest),
        _ => in_words(what),
    };
    match error.classify() {
        serde_json::error::Category::Data => format!("{what} (line {line}, column {column})"),
        _ => format!("it is no JSON: {what} (line {line}, column {column})"),
    }
}

/// What the parser says of anything but a value that stands out of place.
fn in_words(what: &str) -> String {
    if let Some(field) = what.strip_prefix("missing field ") {
        return format!("{field} is missing");
    }
    match what
        .strip_prefix("invalid length ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        // A list can stand for an object, as long as it has all its values.
        Some((_, wanted)) if wanted.starts_with("struct ") => {
            "a list stands where an object is wanted".to_owned()
        }
        Some((length, wanted)) => format!("{length} entries stand where {wanted} is wanted"),
        None => what.to_owned(),
    }
}

/// `string "x", expected u64` in other words.
fn out_of_place(text: &str) -> String {
    let Some((found, wanted)) = text.rsplit_once(", expected ") else {
        return text.to_owned();
    };
    format!(
        "{} stands where {} is wanted",
        found_is(found),
        wanted_is(wanted)
    )
}

/// What was found, without the name of its type where it shows it by itself.
fn found_is(found: &str) -> String {
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "Option value" | "unit value" => "null".to_owned(),
        _ => {
            let typed = ["integer ", "floating point ", "boolean ", "string "];
            let shown = typed.iter().find_map(|kind| found.strip_prefix(kind));
            shown.unwrap_or(found).trim_matches('`').to_owned()
        }
    }
}

/// What was wanted: types have names of their own only for those who program in this language.
fn wanted_is(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number from 0 on",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if wanted.starts_with("struct ") => "an object",
        _ if wanted.starts_with("enum ") || wanted == "variant identifier" => "one of its words",
        _ => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only what can't be read is looked at")]
    struct Body {
        count: u64,
        names: Vec<String>,
        is_so: Option<bool>,
    }

    fn told(body: &str) -> String {
        why(&serde_json::from_str::<Body>(body).unwrap_err())
    }

    #[test]
    fn what_stands_out_of_place_is_shown_with_what_is_wanted_there() {
        for (body, words) in [
            (
                "{\"count\": \"x\"}",
                "\"x\" stands where a whole number from 0 on is wanted",
            ),
            (
                "{\"count\": -1}",
                "-1 stands where a whole number from 0 on is wanted",
            ),
            (
                "{\"count\": 1.5}",
                "1.5 stands where a whole number from 0 on is wanted",
            ),
            ("{\"count\": {}}", "an object stands where"),
            ("{\"names\": 7}", "7 stands where a list is wanted"),
            ("{\"names\": [null]}", "null stands where a text is wanted"),
            (
                "{\"is_so\": []}",
                "a list stands where true or false is wanted",
            ),
            ("[]", "an object is wanted"),
            ("{\"count\": 1}", "`names` is missing"),
            (
                "{\"counts\": 1}",
                "unknown field `counts`, expected one of `count`",
            ),
            ("{\"count\": 1", "it is no JSON: EOF"),
            ("{\"count\" 1}", "it is no JSON: expected `:`"),
        ] {
            let told = told(body);
            assert!(told.contains(words), "{body}: {told}");
            assert!(told.contains("(line 1, column "), "{body}: {told}");
        }
    }
}
