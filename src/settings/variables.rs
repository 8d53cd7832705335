//! Variables of the environment: which key each overrides, and which are not meant for us.

use super::kind::Wrong;
use super::read::Layer;
use super::schema::{Key, Role};
use super::{ENVIRONMENT_PREFIX, Mistake, Origin, Place};
use crate::suggest::nearest;

/// The variable that overrides the key at `path`.
fn variable(path: &str) -> String {
    let name = path.replace('.', "__").to_ascii_uppercase();
    format!("{ENVIRONMENT_PREFIX}{name}")
}

/// What the variables say that override keys of this role; what is wrong with them is added to `mistakes`.
pub(super) fn read_environment(
    role: Role,
    environment: impl Iterator<Item = (String, String)>,
    mistakes: &mut Vec<Mistake>,
) -> Layer {
    let own = role.keys();
    let mut layer = Layer::default();
    for (name, text) in environment.filter(|(name, text)| !is_of_a_link(name, text)) {
        let mistake = |key: &str, message: String| Mistake {
            place: Place::Variable(name.clone()),
            key: key.to_owned(),
            message,
        };
        if let Some((path, key)) = own.iter().find(|(path, _)| variable(path) == name) {
            match key.kind.check_variable(&text) {
                Ok(value) => {
                    let origin = Origin::Variable { name: name.clone() };
                    layer.insert(path.clone(), value, origin);
                }
                Err(wrong) => mistakes.push(mistake(path, wrong_variable(&name, key, &wrong))),
            }
        } else if name == variable(Role::KEY) {
            let message = "the role stands in the file and can't be replaced. Unset this variable";
            mistakes.push(mistake(Role::KEY, message.to_owned()));
        }
    }
    layer
}

/// What to tell of variables that begin like ours and name no key of either role. They are passed over:
/// a key of another version, a slip, or not meant for us at all.
pub(super) fn unknown_variables(
    environment: impl Iterator<Item = (String, String)>,
) -> Vec<String> {
    let keys = [Role::Peer, Role::Tracker].map(Role::keys);
    let mut names: Vec<String> = keys
        .iter()
        .flatten()
        .map(|(path, _)| variable(path))
        .collect();
    names.push(variable(Role::KEY));
    let candidates: Vec<&str> = names.iter().map(String::as_str).collect();
    environment
        .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
        .filter(|(name, text)| !candidates.contains(&name.as_str()) && !is_of_a_service(name, text))
        .map(|(name, _)| match nearest(&name, &candidates) {
            Some(near) => format!(
                "the environment variable {name} names no key and is passed over; did you mean {near}?"
            ),
            None => format!("the environment variable {name} names no key and is passed over"),
        })
        .collect()
}

/// Whether a variable tells where a service called like this program is: Kubernetes sets such variables
/// in every container beside it, as Docker does for links.
fn is_of_a_service(name: &str, text: &str) -> bool {
    let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
        return false;
    };
    let ends = |part: &str| rest == part || rest.ends_with(&format!("_{part}"));
    ends("SERVICE_HOST")
        || rest.contains("SERVICE_PORT")
        || ends("PORT")
        || rest.contains("PORT_")
        || rest.contains("ENV_")
        || is_of_a_link(name, text)
}

/// Docker gives the name of a link called like this program, `/web/raclette`, in the place of a key.
fn is_of_a_link(name: &str, text: &str) -> bool {
    name == variable("name") && text.starts_with('/')
}

fn wrong_variable(name: &str, key: &Key, wrong: &Wrong) -> String {
    format!(
        "expected {}, found {}. For example: {name}={}",
        key.kind.expected(),
        wrong.found,
        key.kind.as_variable(key.given.example())
    )
}
