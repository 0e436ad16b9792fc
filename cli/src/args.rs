//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use bellwire_any::Runtime;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

/// Replies and notifications on one wire, never confused.
///
/// Exit status: 0 done; 1 failed (connection lost, timeout, refused); 2 usage.
#[derive(Debug, Parser)]
#[command(name = "bellwire", version)]
pub(crate) struct Args {
    /// Log to standard error: -v connections, -vv events, -vvv every line both ways
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(Demo),
    Serve(Serve),
    Call(Call),
    Watch(Watch),
    Replay(Replay),
    Completions(Completions),
    Man(Man),
}

/// Play a session: a server and a client in one process, every line shown as it crosses the wire
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// End after so many notifications
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) notifications: u64,

    #[command(flatten)]
    pub(crate) on: On,

    #[command(flatten)]
    pub(crate) record: Record,
}

/// Serve random numbers and classified ads; each line of standard input is a new ad
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 picks one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6789")]
    pub(crate) listen: String,

    /// Announce a new random number every so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub(crate) every: Duration,

    /// Close a connection that says nothing for so long in the notification mode
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) autologout: Option<Duration>,

    /// Understand ids: `#7 random?` is answered `#7 456902234`
    #[arg(long)]
    pub(crate) ids: bool,

    #[command(flatten)]
    pub(crate) on: On,
}

/// Send commands and print their replies
#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    /// The server: HOST:PORT, notif://HOST, mpd://[PASSWORD@]HOST, imaps://USER@HOST[/MAILBOX],
    /// imap:// with STARTTLS; notif:///PATH and mpd:///PATH are Unix sockets
    pub(crate) address: String,

    /// The commands, each as one argument: random? status "UID SEARCH ALL"
    #[arg(required = true, value_name = "COMMAND")]
    pub(crate) commands: Vec<String>,

    /// Send all commands at once instead of one after the other; IMAP's data do not say which
    /// command they answer, so each reply then comes with all that came meanwhile
    #[arg(long)]
    pub(crate) pipeline: bool,

    /// How long to wait for each reply
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub(crate) timeout: Duration,

    /// Send ids with the commands, for a server that understands them
    #[arg(long)]
    pub(crate) ids: bool,

    #[command(flatten)]
    pub(crate) access: Access,

    #[command(flatten)]
    pub(crate) on: On,

    #[command(flatten)]
    pub(crate) record: Record,
}

/// Stay connected and print each change
///
/// On a terminal, a line below tells of the connection, unless TERM is dumb, --json is given, or the
/// output goes to another program.
#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// What to watch: notif://HOST, mpd://[PASSWORD@]HOST, imaps://USER@HOST/MAILBOX, imap:// with
    /// STARTTLS; notif:///PATH and mpd:///PATH are Unix sockets
    pub(crate) url: String,

    /// Print what is new, once each: the item that a notification announces, the song, the UID, sender
    /// and subject of each new mail
    #[arg(long)]
    pub(crate) fetch: bool,

    /// Print this topic only, such as mixer or EXPUNGE, or, with --fetch, song or mail; may be given
    /// several times
    #[arg(long = "topic", value_name = "T")]
    pub(crate) topics: Vec<String>,

    /// Run this program for each line printed, with BELLWIRE_TOPIC and BELLWIRE_ITEM set
    #[arg(long, value_name = "PROGRAM", value_hint = ValueHint::ExecutablePath)]
    pub(crate) exec: Option<PathBuf>,

    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,

    /// End after so many lines
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,

    /// Leave the notification mode and enter it again after so long, before the server's autologout
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) rearm: Option<Duration>,

    /// End with status 1 when the connection is lost
    #[arg(long)]
    pub(crate) no_reconnect: bool,

    /// Send ids with the commands, for a server that understands them
    #[arg(long)]
    pub(crate) ids: bool,

    #[command(flatten)]
    pub(crate) access: Access,

    #[command(flatten)]
    pub(crate) on: On,

    #[command(flatten)]
    pub(crate) record: Record,
}

/// Run a transcript through the core and print what each line is taken for
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The transcript
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// The protocol that is spoken, if the transcript does not say it
    #[arg(long, value_enum)]
    pub(crate) dialect: Option<DialectName>,

    /// Play the server's end instead of the client's
    #[arg(long)]
    pub(crate) server: bool,
}

/// Print completions for a shell
///
/// Keep them where it looks for them: bash in ~/.local/share/bash-completion/completions/bellwire,
/// fish in ~/.config/fish/completions/bellwire.fish, zsh in _bellwire in a directory of $fpath.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Print the manual page, or that of one command
///
/// It is a source for man: bellwire man watch | man -l -
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// One of the commands
    #[arg(value_name = "SUBCOMMAND")]
    pub(crate) of: Option<String>,
}

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectName {
    Notif,
    Mpd,
    Imap,
}

impl DialectName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Notif => "notif",
            Self::Mpd => "mpd",
            Self::Imap => "imap",
        }
    }
}

/// What a server has to be told about us, and what it has to prove.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Access {
    /// Take the password from the first line that this command prints, and not from
    /// BELLWIRE_PASSWORD or, if that is not set, a prompt; for MPD, too
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(crate) password_command: Option<String>,

    /// The password is an access token (IMAP's XOAUTH2)
    #[arg(long)]
    pub(crate) xoauth2: bool,

    /// Trust the certificates in FILE, and those that they have signed, instead of the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca: Option<PathBuf>,

    /// Log in without TLS to imap://, where everybody on the way can read the password
    #[arg(long)]
    pub(crate) insecure: bool,
}

/// What drives connections.
#[derive(Debug, clap::Args)]
pub(crate) struct On {
    /// What drives the connections; what is said and printed is the same on each
    #[arg(long, value_name = "NAME", value_parser = runtimes(), default_value_t = Runtime::Tokio)]
    pub(crate) runtime: Runtime,
}

/// Recording a session.
#[derive(Debug, clap::Args)]
pub(crate) struct Record {
    /// Write the session to FILE as a transcript that `replay` accepts; further connections go to
    /// FILE.2, FILE.3 and so on
    #[arg(long = "record", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
}

fn runtimes() -> impl TypedValueParser<Value = Runtime> {
    let names = Runtime::ALL.map(|it| PossibleValue::new(it.name()).help(it.description()));
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        Ok(_) => Err("must be more than 0".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
