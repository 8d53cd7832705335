//! How much a running node tells of itself.

use super::answers::{LogLevelRequest, LogLevelView};
use super::{Code, Refused};
use crate::logging;
use std::time::Duration;

/// Has a part of this process tell more or less than the settings say, or all of them what these say.
///
/// # Errors
/// [`Code::BadParameter`].
pub fn set_log_level(wanted: &LogLevelRequest) -> Result<LogLevelView, Refused> {
    let bad = |detail: String| Refused::new(Code::BadParameter, detail);
    match (&wanted.part, wanted.level) {
        (Some(part), Some(level)) => {
            let lasts = wanted.for_ms.map(Duration::from_millis);
            logging::set_level(part, level, lasts).map_err(|error| bad(error.to_string()))?;
        }
        (None, None) => logging::usual_levels(),
        (Some(_), None) | (None, Some(_)) => {
            return Err(bad(
                "part and level are told together, or neither".to_owned()
            ));
        }
    }
    Ok(LogLevelView {
        part: wanted.part.clone(),
        level: wanted.level,
        for_ms: wanted.for_ms.filter(|_| wanted.part.is_some()),
    })
}
