//! Finding the last block that two nodes share.

use super::rows::{RowKey, StateView};
use super::{BlockId, Header, Height, Internal};

/// Most ids in a locator: ten single steps, then doubling ones, reach back over every chain there
/// can be.
pub const MAX_LOCATOR: usize = 64;
/// Headers in one message at most: 256,000 bytes, far below a frame, and a batch that is checked in
/// milliseconds.
pub const MAX_HEADERS: usize = 2_000;

/// Ids on the chain of best headers, from its end back to genesis, ever further apart.
pub fn locator(view: &dyn StateView) -> Result<Vec<BlockId>, Internal> {
    let Some(best) = view.named(&RowKey::BestHeader)? else {
        return Ok(Vec::new());
    };
    let Some(entry) = view.header(&best)? else {
        return Ok(Vec::new());
    };
    let mut ids = Vec::new();
    let mut height = entry.header.height.0;
    let mut stride = 1;
    loop {
        ids.extend(view.best(Height(height))?);
        if height == 0 || ids.len() == MAX_LOCATOR {
            return Ok(ids);
        }
        if ids.len() >= 10 {
            stride *= 2;
        }
        height = height.saturating_sub(stride);
    }
}

/// The connected headers that follow the first id of `locator` that is on the connected chain, at
/// most [`MAX_HEADERS`]; from genesis on if none of them is; the last connected one if nothing
/// follows. So an answer is empty only where there is no chain, and tells the asker how far the
/// answerer's bodies reach even if the asker knows all of its headers.
pub fn headers_after(view: &dyn StateView, locator: &[BlockId]) -> Result<Vec<Header>, Internal> {
    let mut height = Height::GENESIS;
    for id in locator {
        if let Some(entry) = view.header(id)?
            && view.active(entry.header.height)? == Some(*id)
        {
            height = entry.header.height;
            break;
        }
    }
    let first = if view.active(height.next())?.is_some() {
        height.next()
    } else {
        height
    };
    let mut headers = Vec::new();
    let heights = std::iter::successors(Some(first), |height| Some(height.next()));
    for height in heights.take(MAX_HEADERS) {
        let Some(id) = view.active(height)? else {
            break;
        };
        let entry = view
            .header(&id)?
            .ok_or_else(|| Internal(format!("the header of block {id} is missing")))?;
        headers.push(entry.header);
    }
    Ok(headers)
}
