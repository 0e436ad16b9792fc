//! `bellwire completions` and `bellwire man`: what is made from the command line's own description.

use clap::CommandFactory;
use clap::error::ErrorKind;
use clap_complete::Shell;

use crate::args::Args;
use crate::print;

pub(crate) fn completions(shell: Shell) -> anyhow::Result<()> {
    // It would panic if nobody reads it.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "bellwire", &mut script);
    Ok(print::raw(&script)?)
}

/// The page of the program, which refers to those of its commands, or one of these.
pub(crate) fn page(of: Option<&str>) -> anyhow::Result<()> {
    // Its own `help` has nothing to tell that is not in the pages.
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let command = match of {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                let names: Vec<_> =
                    program.get_subcommands().map(clap::Command::get_name).collect();
                let what = format!("no command {name:?}; there are {}", names.join(", "));
                program.error(ErrorKind::InvalidValue, what).exit();
            }
        },
    };
    let mut page = Vec::new();
    let source = concat!("bellwire ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).source(source).render(&mut page)?;
    Ok(print::raw(&page)?)
}
