//! `engraph config`: files of machine and user, the environment, the command line; and the command
//! itself obeying them.

use std::fs;

use crate::session::{Run, Session};

fn file(session: &Session, name: &str, text: &str) {
    let path = session.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn later_places_win_and_sources_tell_them_all() {
    let session = Session::new();
    file(&session, "machine/engraph/config.ini", "[log]\nlevel = error\nformat = json\n");
    file(&session, "user/engraph/config.yaml", "log:\n  level: warn\n");
    session.run(&["config", "get", "log.level"]).check(0, "warn\n", "");
    session.run(&["config", "get", "log.format"]).check(0, "json\n", "");
    file(&session, "own.json", "{\"log\": {\"level\": \"info\"}}");
    let with = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = session.command(arguments);
        Run::of(&command.envs(variables.iter().copied()).output().unwrap())
    };
    let own = ("ENGRAPH_CONFIG", "own.json");
    with(&["config", "get", "log.level"], &[own]).check(0, "info\n", "");
    let both = [own, ("ENGRAPH_LOG_LEVEL", "debug")];
    let run = with(&["config", "sources", "log.level"], &both);
    let found: Vec<&str> = run.stdout.lines().skip(1).collect();
    assert_eq!(found.len(), 4, "{}", run.stdout);
    for (line, (place, value)) in found.iter().zip([
        ("config.ini", "error"),
        ("config.yaml", "warn"),
        ("own.json", "info"),
        ("environment", "debug"),
    ]) {
        assert!(line.contains(place) && line.trim_end().ends_with(value), "{line}");
    }
    // The command obeys: lines at level debug, and none where the command line says so.
    session.run(&["init", "s"]).check(0, "", "");
    with(&["stats", "s"], &both).check(0, "writes", "\"message\":\"store opened\"");
    let run = with(&["stats", "s", "--log-level", "off"], &both);
    assert_eq!((run.code, &*run.stderr), (0, ""));
    let json = [("ENGRAPH_OUTPUT_JSON", "yes"), ("ENGRAPH_LOG_LEVEL", "off")];
    with(&["stats", "s"], &json).check(0, "{\"format\":", "");
    let strict = [("ENGRAPH_HEALTH_BACKUP_AGE_MAX", "1d"), ("ENGRAPH_LOG_LEVEL", "off")];
    let health = ["health", "s", "--disk-min", "0", "--disk-failing", "0"];
    with(&health, &strict).check(1, "never copied", "");
}

#[test]
fn a_value_that_is_set_is_kept_and_the_file_stays_as_it_was() {
    let session = Session::new();
    session.run(&["config", "get", "log.level"]).check(1, "", "");
    session.run(&["config", "set", "log.level", "off"]).check(0, "", "config.toml");
    session.run(&["config", "get", "log.level"]).check(0, "off\n", "");
    let path = "user/engraph/config.toml";
    file(&session, path, "# mine\n[log] # lines\nlevel = \"off\" # quiet\n");
    session.run(&["config", "set", "health.disk_min", "1000000"]).check(0, "", "");
    let text = fs::read_to_string(session.path(path)).unwrap();
    assert!(text.starts_with("# mine\n[log] # lines\nlevel = \"off\" # quiet\n"), "{text}");
    assert!(text.contains("disk_min = 1000000"), "{text}");
    session.run(&["config", "unset", "log.level"]).check(0, "", "");
    session.run(&["config", "get", "log.level"]).check(1, "", "");
    session.run(&["config", "set", "log.format", "xml"]).check(2, "", "none of human, json");
    session.run(&["config", "set", "log.levle", "info"]).check(2, "", "not known");
    session.run(&["config", "set", "health.disk_min", "much"]).check(2, "", "whole number");
    assert!(!fs::read_to_string(session.path(path)).unwrap().contains("xml"));
}

#[test]
fn what_is_wrong_is_told_and_the_rest_still_counts() {
    let session = Session::new();
    session.run(&["config", "check"]).check(0, "", "");
    file(&session, "machine/engraph/config.toml", "[output]\njson = true\n[log");
    file(&session, "user/engraph/config.toml", "[log]\nformat = \"xml\"\nlevle = 1\n");
    let run = session.run(&["config", "check", "--json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let keys: Vec<String> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys, ["", "log.format", "log.levle"]);
    session.run(&["config", "check"]).check(1, "config.toml", "");
    fs::remove_file(session.path("user/engraph/config.toml")).unwrap();
    session.run(&["init", "s"]).check(0, "", "warning: the settings in");
    session.run(&["config", "list"]).check(0, "output.json", "");
}

#[test]
fn values_that_many_calls_set_at_a_time_are_all_kept() {
    let session = Session::new();
    let keys = ["disk_min", "disk_failing", "behind_max", "queued_max", "dead_max"];
    let keys = keys.map(|key| format!("health.{key}"));
    for round in 1..4 {
        let round = round.to_string();
        let set = |key| session.command(&["config", "set", key, &round]).spawn().unwrap();
        let calls: Vec<_> = keys.iter().map(|key| set(key)).collect();
        for mut call in calls {
            assert!(call.wait().unwrap().success());
        }
        for key in &keys {
            session.run(&["config", "get", key]).check(0, &format!("{round}\n"), "");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_is_a_link_stays_one() {
    let session = Session::new();
    file(&session, "dotfiles/engraph.toml", "# mine\n");
    fs::create_dir_all(session.path("user/engraph")).unwrap();
    let link = session.path("user/engraph/config.toml");
    std::os::unix::fs::symlink(session.path("dotfiles/engraph.toml"), &link).unwrap();
    session.run(&["config", "set", "log.level", "off"]).check(0, "", "config.toml");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let text = fs::read_to_string(session.path("dotfiles/engraph.toml")).unwrap();
    assert_eq!(text, "# mine\n\n[log]\nlevel = \"off\"\n");
}

#[test]
fn a_bad_value_is_told_with_its_key_and_its_file() {
    let session = Session::new();
    session.run(&["init", "s"]).check(0, "", "");
    for (text, key, arguments) in [
        ("log.level = [1]", "log.level", &["stats", "s"][..]),
        ("log.format = 'xml'", "log.format", &["stats", "s"]),
        ("health.disk_min = -1", "health.disk_min", &["health", "s"]),
        ("output.json = 'maybe'", "output.json", &["stats", "s"]),
        ("log = 5", "log", &["config", "set", "log", "5"]),
    ] {
        file(&session, "user/engraph/config.toml", text);
        let run = session.run(arguments);
        run.check(2, "", key);
        if arguments[0] != "config" {
            run.check(2, "", "config.toml");
        }
        let run = session.run(&["config", "check"]);
        run.check(1, key, "");
        run.check(1, "config.toml", "");
    }
    let variable = ("ENGRAPH_HEALTH_DISK_MIN", "much");
    file(&session, "user/engraph/config.toml", "");
    let mut command = session.command(&["health", "s"]);
    let run = Run::of(&command.env(variable.0, variable.1).output().unwrap());
    run.check(2, "", "from environment");
}

#[test]
fn a_file_that_is_no_text_or_has_no_end_is_told() {
    let session = Session::new();
    fs::write(session.path("own.toml"), b"[log]\nlevel = \"\xff\"").unwrap();
    let mut names = vec!["own.toml"];
    if cfg!(target_os = "linux") {
        names.push("/dev/zero");
    }
    for name in names {
        let mut command = session.command(&["config", "check"]);
        let run = Run::of(&command.env("ENGRAPH_CONFIG", name).output().unwrap());
        run.check(1, name, "");
    }
}
