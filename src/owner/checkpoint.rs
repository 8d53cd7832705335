//! Copying the database while the node goes on.

use super::answers::{CheckpointRequest, CheckpointView};
use super::backup::not_whole;
use super::codes::Code;
use super::{NodePlace, Refused};

impl NodePlace {
    /// Copies the database into a directory that is not there yet. What was answered before is in the copy.
    /// It takes as long as the disk does: call it where that holds up nobody.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::NotCopied`], [`Code::Stopping`].
    pub fn checkpoint(&self, wanted: &CheckpointRequest) -> Result<CheckpointView, Refused> {
        let dir = &wanted.dir;
        if !dir.is_absolute() {
            let detail = not_whole(dir);
            return Err(Refused::new(Code::BadParameter, detail));
        }
        if dir.exists() {
            let detail = format!("{} is there already", dir.display());
            return Err(Refused::new(Code::NotCopied, detail));
        }
        let ended = || Refused::new(Code::Stopping, "the node has ended: start it again");
        let disk = self.backups.disk.upgrade().ok_or_else(ended)?;
        disk.checkpoint(dir)
            .map_err(|error| Refused::new(Code::NotCopied, error.to_string()))?;
        Ok(CheckpointView { dir: dir.clone() })
    }
}
