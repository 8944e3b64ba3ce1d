//! How the columns of a table of tasks are mapped on the command line.

use std::path::PathBuf;

use clap::Args;

use crate::policy::route::ColumnPlan;

/// The mapping of columns.
#[derive(Debug, Args)]
pub(super) struct ColumnArgs {
    /// A registry of kinds: what its kind says holds for a task unless the row says otherwise
    #[arg(long, value_name = "FILE")]
    pub(super) kinds: Option<PathBuf>,
    /// The column that names the task, if it is not called `id`
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// The column that names the kind, if it is not called `kind`
    #[arg(long, value_name = "COLUMN")]
    kind: Option<String>,
    /// The column of an attribute that is called otherwise; may be given many times
    #[arg(long = "column", value_name = "ATTRIBUTE=COLUMN", value_parser = renamed)]
    columns: Vec<(String, String)>,
    /// A column that is no attribute and is passed over; may be given many times
    #[arg(long, value_name = "COLUMN")]
    ignore: Vec<String>,
}

impl ColumnArgs {
    /// The plan that the arguments make.
    pub(super) fn plan(&self) -> ColumnPlan {
        ColumnPlan {
            id: self.id.clone(),
            kind: self.kind.clone(),
            renamed: self.columns.clone(),
            ignored: self.ignore.clone(),
        }
    }
}

fn renamed(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((attribute, column)) if !attribute.is_empty() && !column.is_empty() => {
            Ok((attribute.to_owned(), column.to_owned()))
        }
        _ => Err(
            "a column is mapped as `ATTRIBUTE=COLUMN`, for example `expected_duration=seconds`".to_owned(),
        ),
    }
}
