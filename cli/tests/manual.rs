//! `bellwire completions` and `bellwire man`: they say what `--help` says, in forms that shells and `man`
//! take.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use bellwire_test_servers::program;

mod common;

use common::run;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// The commands, as `--help` has them.
fn commands() -> Vec<String> {
    let help = run(["--help"]).expect(0).out;
    let list = help.into_iter().skip_while(|line| line != "Commands:").skip(1);
    let names = list.map_while(|line| line.split_whitespace().next().map(str::to_owned));
    let names: Vec<_> = names.filter(|name| name != "help").collect();
    assert!(names.len() >= 7, "{names:?}");
    names
}

/// The long options of a command, as its `--help` has them.
fn options(command: &str) -> Vec<String> {
    let help = run([command, "--help"]).expect(0).out.join("\n");
    let words = help.split([' ', '\n', '=']).filter(|word| word.starts_with("--"));
    let names = words.map(|word| word.trim_end_matches(|c: char| !c.is_alphanumeric()));
    names.map(str::to_owned).collect()
}

/// What a program says to this input, on both of its streams.
fn filter(command: &mut Command, input: &[String]) -> (String, String) {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, text) = (child.stdin.take().unwrap(), input.join("\n"));
    let feeding = thread::spawn(move || writeln!(stdin, "{text}"));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (out, err)
}

#[test]
fn each_shell_is_told_of_each_command() {
    let commands = commands();
    let mut scripts = BTreeSet::new();
    for shell in SHELLS {
        let end = run(["completions", shell]).expect(0);
        assert_eq!(end.err, [""; 0]);
        let script = end.out.join("\n");
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell}: no {command}");
        }
        assert!(script.contains("no-reconnect"), "{shell}: no options");
        assert!(scripts.insert(script), "{shell}: the same as another");
    }
}

/// Bash itself completes with it.
#[test]
fn bash_completes() {
    let Some(bash) = program("bash", "bash") else { return };
    let mut script = run(["completions", "bash"]).expect(0).out;
    let (out, err) = filter(Command::new(&bash).arg("-n"), &script);
    assert_eq!((out.as_str(), err.as_str()), ("", ""));

    // As bash calls it for a word that was begun, behind others.
    script.push(
        r#"complete_here() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _bellwire bellwire "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[@]}"
        }
        complete_here bellwire wa
        complete_here bellwire watch --no-
        complete_here bellwire completions po
        complete_here bellwire serve --runtime ""
        complete_here bellwire watch --runtime a"#
            .to_owned(),
    );
    let (out, err) = filter(Command::new(bash).args(["--norc", "--noprofile"]), &script);
    assert_eq!(err, "");
    let runtimes = "blocking tokio async-std smol";
    let completed = ["watch", "--no-reconnect", "powershell", runtimes, "async-std"];
    assert_eq!(out.lines().collect::<Vec<_>>(), completed);
}

/// The page of the program names each command, and there is a page of each, with all of its options.
#[test]
fn the_manual_is_complete() {
    let commands = commands();
    let program = run(["man"]).expect(0).out.join("\n");
    for command in &commands {
        let name = format!("bellwire\\-{command}(1)");
        assert!(program.contains(&name), "{name}: {program}");

        let page = run(["man", command]).expect(0).out.join("\n");
        assert!(page.contains(&format!(".TH bellwire-{command} 1")), "{page}");
        let options = options(command);
        assert!(options.len() >= 2, "{options:?}");
        for option in options {
            let option = option.replace('-', "\\-");
            assert!(page.contains(&option), "{command}: no {option}");
        }
        if page.contains("runtime") {
            let names = ["blocking: ", "tokio: ", "async\\-std: ", "smol: "];
            assert!(names.iter().all(|name| page.contains(name)), "{command}: {page}");
        }
    }
}

/// `groff`, with all of its warnings, has none.
#[test]
fn the_manual_renders() {
    let Some(groff) = program("groff", "groff-base") else { return };
    let commands = commands();
    let pages = commands.iter().map(|command| vec!["man", command]).chain([vec!["man"]]);
    for page in pages {
        let source = run(&page).expect(0).out;
        let (out, err) =
            filter(Command::new(&groff).args(["-man", "-ww", "-Tascii", "-P-cbou"]), &source);
        assert_eq!(err, "", "{page:?}");
        assert!(out.contains("SYNOPSIS") && out.contains("bellwire"), "{page:?}: {out}");
    }
}

#[test]
fn what_there_is_no_manual_of() {
    let end = run(["man", "nonsense"]).expect(2);
    end.complains(&["nonsense", "watch"]);
    assert_eq!(end.out, [""; 0]);
    run(["completions", "nonsense"]).expect(2).complains(&["nonsense"]);
}
