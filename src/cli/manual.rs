//! What shells and readers of manuals are given, made from the definition of the commands.

use super::examples;
use super::failure::Failure;
use super::new_file::NewFile;
use super::output::Output;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Prints what has `shell` complete the words of a command line.
pub fn completions(shell: Shell, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut examples::command(), "node", &mut text);
    Ok(output.raw().write_all(&text)?)
}

/// Prints the page of a command, or writes those of all commands into a directory.
pub fn man(words: &[String], dir: Option<&Path>, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut whole = examples::command();
    // Names each command by all of its words.
    whole.build();
    let Some(dir) = dir else {
        let page = page(found(&whole, words)?)?;
        return Ok(output.raw().write_all(&page)?);
    };
    fs::create_dir_all(dir)
        .map_err(|error| Failure::No(format!("can't make {}: {error}", dir.display())))?;
    write_all(&whole, "node", dir)
}

fn found<'a>(whole: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    words.iter().try_fold(whole, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            Failure::Misuse(format!(
                "there is no command {:?}: `--help` lists what there is",
                words.join(" ")
            ))
        })
    })
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    Ok(text)
}

/// Writes `node-wallet.1` for `node wallet`, and so on.
fn write_all(command: &Command, name: &str, dir: &Path) -> Result<(), Failure> {
    let mut file = NewFile::begin(&dir.join(format!("{name}.1")))?;
    file.write_all(&page(command)?)
        .map_err(|error| file.failed(&error))?;
    file.end()?;
    for below in command.get_subcommands() {
        if !below.is_hide_set() && below.get_name() != "help" {
            write_all(below, &format!("{name}-{}", below.get_name()), dir)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_page_with_its_examples() {
        let place = tempfile::tempdir().unwrap();
        let mut nothing = Vec::new();
        let mut output = Output::new(&mut nothing, false);
        man(&[], Some(place.path()), &mut output).unwrap();
        for name in ["node.1", "node-send.1", "node-wallet-words.1"] {
            let page = fs::read_to_string(place.path().join(name)).unwrap();
            assert!(page.contains("Examples:"), "{name}: {page}");
        }
        assert!(!place.path().join("node-eavesdrop.1").exists());
        let again = man(&[], Some(place.path()), &mut output).unwrap_err();
        assert!(again.reason().unwrap().contains("there already"));
        let unknown = man(&["fly".to_owned()], None, &mut output).unwrap_err();
        assert!(matches!(unknown, Failure::Misuse(_)));
    }

    #[test]
    fn shells_complete_what_there_is() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            completions(shell, &mut Output::new(&mut text, false)).unwrap();
            let text = String::from_utf8(text).unwrap();
            assert!(
                text.contains("wallet") && text.contains("withdraw"),
                "{shell}"
            );
        }
    }
}
