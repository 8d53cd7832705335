//! What is on the chain, as tables for other engines.

use super::archives::entries;
use super::args::{TableArgs, TableForm, TableOf};
use super::failure::Failure;
use super::invocation::Invocation;
use super::new_file::NewFile;
use super::output::Output;
use super::table::facts;
use crate::archive::{EndEntry, TableFormat, TableKind, TableWriter};
use crate::chain::{BlockId, Height};
use crate::settings::Settings;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// A table that was written into a file.
#[derive(Debug, Serialize)]
struct Written<'a> {
    rows: u64,
    height: Height,
    tip: BlockId,
    file: &'a Path,
}

impl From<TableOf> for TableKind {
    fn from(of: TableOf) -> Self {
        match of {
            TableOf::Blocks => Self::Blocks,
            TableOf::Transactions => Self::Transactions,
            TableOf::Records => Self::Records,
            TableOf::Members => Self::Members,
        }
    }
}

impl From<TableForm> for TableFormat {
    fn from(form: TableForm) -> Self {
        match form {
            TableForm::Csv => Self::Csv,
            TableForm::Jsonl => Self::Jsonl,
        }
    }
}

/// Writes a table, of a node that runs or not.
pub fn table(
    arguments: &TableArgs,
    settings: &Settings,
    config: &Path,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let by_name = arguments
        .out
        .as_ref()
        .and_then(|out| out.extension())
        .is_some_and(|extension| extension == "jsonl");
    let by_name = if by_name {
        TableForm::Jsonl
    } else {
        TableForm::Csv
    };
    let format = arguments.format.unwrap_or(by_name).into();
    let kind = arguments.table.into();
    let write = |to: &mut dyn Write| -> Result<(u64, EndEntry), Failure> {
        let mut writer = TableWriter::new(to, kind, format);
        let end = entries(settings, config, invocation, "reading", |entry| {
            Ok(writer.entry(entry)?)
        })?;
        let rows = writer.written();
        writer.end()?;
        Ok((rows, end))
    };
    let Some(out) = &arguments.out else {
        write(output.raw())?;
        return Ok(());
    };
    let mut file = NewFile::begin(out)?;
    let (rows, end) = write(&mut file).map_err(|failure| match failure {
        Failure::Output(error) => file.failed(&error),
        failure => failure,
    })?;
    file.end()?;
    let written = Written {
        rows,
        height: end.height,
        tip: end.tip,
        file: out,
    };
    output.show(&written, |written| {
        facts(&[
            ("rows", written.rows.to_string()),
            ("as of block", written.height.to_string()),
            ("tip", written.tip.to_string()),
            ("file", written.file.display().to_string()),
        ])
    })?;
    Ok(())
}
