//! How the C library hands out memory to the threads of a node.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Where glibc reads how many arenas there may be: at the start of a process, and nowhere else that is safe.
const ARENAS: &str = "MALLOC_ARENA_MAX";
/// Two. A node's threads hand each other what they have allocated; by itself glibc gives each an arena of its own, up
/// to eight a core, and each keeps what was freed in it: under a flood of free notes a sixth more memory, for no work
/// done sooner.
const FEW: &str = "2";

/// Has this process begin again, as the same process with the same words, with few arenas. Where that can't be, or
/// the variable is set, it goes on as it is: nothing but memory depends on it.
pub fn begin_again_with_few() {
    if cfg!(not(target_env = "gnu")) || env::var_os(ARENAS).is_some() {
        return;
    }
    let mut words = env::args_os();
    let (Some(name), Ok(program)) = (words.next(), env::current_exe()) else {
        return;
    };
    let mut again = Command::new(program);
    // Comes back only if it failed.
    let _ = again.arg0(name).args(words).env(ARENAS, FEW).exec();
}
