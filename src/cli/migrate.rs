//! `engraph migrate`: the whole way from the old application to a store, and back.

use std::path::{Path, PathBuf};

use clap::Args;
use engraph::legacy::{
    self, Damage, MigrateOptions, MigratedFile, MigrationReport, MigrationStep, RollbackReport,
};
use engraph::{Clock as _, SystemClock};

use super::failure::{Answer, Failure};
use super::import::some;
use super::output::{Form, Output};
use super::progress::Progress;
use super::text;

/// Digits of a time down to the second.
const SECOND_DIGITS: usize = 14;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Files, or folders that are searched for databases. They are read and never written to
    #[arg(required_unless_present = "rollback", conflicts_with = "rollback")]
    path: Vec<PathBuf>,

    /// The directory of the new store
    #[arg(
        long,
        value_name = "STORE",
        required_unless_present = "rollback",
        conflicts_with = "rollback"
    )]
    into: Option<PathBuf>,

    /// Folder for the copies of the databases and the report; beside the store, with the time in
    /// its name, where none is given. That of a migration that was ended early takes it up
    #[arg(long, value_name = "DIR", conflicts_with = "rollback")]
    backup_dir: Option<PathBuf>,

    /// Time zone of the times in the files that say none, for example Europe/Berlin
    #[arg(long, value_name = "NAME", conflicts_with = "rollback")]
    zone: Option<String>,

    /// Take what can be read of a damaged file, and say what cannot
    #[arg(long, conflicts_with = "rollback")]
    salvage: bool,

    /// Only report what would happen
    #[arg(long, conflicts_with = "rollback")]
    dry_run: bool,

    /// Undo the migration with these copies: databases that changed since are put back, and the
    /// store is removed if nothing else was written to it
    #[arg(long, value_name = "DIR")]
    rollback: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    if let Some(backup) = &arguments.rollback {
        return undo(backup, output);
    }
    let Some(store) = &arguments.into else {
        return Err(Failure::usage("--into names the directory of the new store"));
    };
    // A wrong path must not leave folders behind.
    for path in &arguments.path {
        std::fs::metadata(path).map_err(|error| Failure::io("read", path, &error))?;
    }
    let backup = match &arguments.backup_dir {
        Some(given) => given.clone(),
        None => backup_beside(store, arguments.dry_run)?,
    };
    let mut options = MigrateOptions::new();
    if let Some(zone) = &arguments.zone {
        options = options.zone(zone);
    }
    if arguments.salvage {
        options = options.damage(Damage::Salvage);
    }
    if arguments.dry_run {
        options = options.dry_run();
    }
    let report = migrate(&arguments.path, store, &backup, &options, output.form())?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        show(&report, &backup, output)?;
    }
    Ok(Answer::yes_if(report.is_complete()))
}

fn migrate(
    paths: &[PathBuf],
    store: &Path,
    backup: &Path,
    options: &MigrateOptions,
    form: Form,
) -> Result<MigrationReport, Failure> {
    let bar = Progress::new(form, "migrating");
    let report = legacy::migrate(paths, store, backup, options, &mut |progress| {
        let what = match progress.step {
            MigrationStep::BackingUp => "copying",
            MigrationStep::Importing => "importing",
            _ => "comparing",
        };
        let file = progress.file.file_name().unwrap_or_default().to_string_lossy();
        bar.set(&format!("{what} {file}: {}", progress.table), progress.rows, None);
    })?;
    bar.finish();
    Ok(report)
}

/// The folder of a migration into this store that was ended early, else a new one.
fn backup_beside(store: &Path, is_dry: bool) -> Result<PathBuf, Failure> {
    if !is_dry && let Some(unfinished) = legacy::unfinished_migration(store)? {
        return Ok(unfinished);
    }
    let name = store.file_name().unwrap_or_default().to_string_lossy();
    let time = SystemClock.now().to_string();
    let digits: String = time.chars().filter(char::is_ascii_digit).take(SECOND_DIGITS).collect();
    let name = format!("{name}.backup-{digits}");
    // Another migration may have begun, and ended, within the same second.
    let mut folder = store.with_file_name(&name);
    for number in 2.. {
        if !folder.exists() {
            break;
        }
        folder = store.with_file_name(format!("{name}-{number}"));
    }
    Ok(folder)
}

fn show(report: &MigrationReport, backup: &Path, output: &mut Output) -> Result<(), Failure> {
    for file in &report.files {
        show_file(file, report.dry_run, output)?;
    }
    some("problem", &report.store_problems, output)?;
    let whole = report.files.iter().filter(|file| file.is_complete()).count();
    if report.dry_run {
        return output.line(format_args!(
            "dry run, nothing was kept: {whole} of {} would be migrated",
            text::counted(report.files.len() as u64, "database")
        ));
    }
    let backup = backup.display().to_string();
    output.line(format_args!(
        "{whole} of {} complete{} in {:.2} s",
        text::counted(report.files.len() as u64, "database"),
        if report.resumed { ", taken up from an earlier run," } else { "" },
        report.elapsed
    ))?;
    output.note(format_args!(
        "copies and report: {0}\nto undo it: engraph migrate --rollback {0}",
        text::escaped(&backup)
    ))
}

fn show_file(file: &MigratedFile, is_dry: bool, output: &mut Output) -> Result<(), Failure> {
    let path = file.path.display().to_string();
    let path = text::escaped(&path);
    if let Some(problem) = &file.problem {
        output.line(format_args!("problem    {path}: {}", text::escaped(problem)))?;
    }
    let Some(import) = file.import.as_ref().filter(|_| file.is_complete()) else { return Ok(()) };
    let compared = match &file.comparison {
        Some(found) => format!("; {} compared, equal", text::counted(found.rows, "row")),
        None => String::new(),
    };
    output.line(format_args!(
        "{}  {path}  {}: {} from {}{compared}",
        if is_dry { "would be " } else { "migrated " },
        import.kind.as_deref().unwrap_or("unknown kind"),
        text::counted(import.records.values().sum(), "record"),
        text::counted(import.total_rows(), "row"),
    ))
}

fn undo(backup: &Path, output: &mut Output) -> Result<Answer, Failure> {
    let report = legacy::rollback(backup)?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        show_undone(&report, output)?;
    }
    Ok(Answer::Yes)
}

fn show_undone(report: &RollbackReport, output: &mut Output) -> Result<(), Failure> {
    for file in &report.put_back {
        let path = file.path.display().to_string();
        output.line(format_args!("put back   {}", text::escaped(&path)))?;
        let kept: Vec<String> =
            file.replaced.iter().map(|path| path.display().to_string()).collect();
        some("what was there", &kept, output)?;
    }
    let store = report.store.display().to_string();
    output.line(format_args!(
        "{} put back, {} as they were; {}",
        text::counted(report.put_back.len() as u64, "database"),
        text::count(report.untouched),
        if report.is_store_removed {
            format!("{} removed", text::escaped(&store))
        } else {
            "no store to remove".to_owned()
        }
    ))
}
