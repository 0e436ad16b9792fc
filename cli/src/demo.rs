//! `bellwire demo`: the tutorial's session, between a server and a client in one process.

use std::thread;

use anyhow::anyhow;
use bellwire::dialect::notif::{Classified, Get, Notif, Random, Spelling};
use bellwire_any::{Connector, Notice, Observer, Server};

use crate::args::Demo;
use crate::observers::{Observers, Printer, record};
use crate::serve::Board;

const ADS: [&str; 4] = [
    "Nice appart in the 11e.",
    "Bicycle, hardly used.",
    "Piano, must be collected.",
    "Room with a view.",
];

pub(crate) fn run(args: &Demo) -> anyhow::Result<()> {
    let board = Board::new();
    let server = Server::bind(args.on.runtime, "127.0.0.1:0", Notif::default(), board.clone())?;
    let (address, handle) = (server.local_addr()?, server.handle());
    let serving = thread::spawn(move || server.run());

    let mut notif = Notif::default();
    notif.spelling = Spelling::Session;
    let mut connector = Connector::new(args.on.runtime, notif);
    let mut observers: Vec<Box<dyn Observer>> = vec![Box::new(Printer)];
    if let Some(file) = &args.record.file {
        observers.push(Box::new(record(file, &connector.dialect, &connector.config)?));
    }
    connector.observer = Some(Box::new(Observers(observers)));
    let (client, mut notifications) = connector.tcp(address)?;

    board.post(ADS[0].into())?;
    client.request(Random)?;
    client.request(Classified)?;
    let mut ads = ADS.iter().cycle().skip(1);
    for count in 1..=args.notifications {
        let topic = if count % 2 == 1 { "classified" } else { "random" };
        match topic {
            "classified" => drop(board.post(ads.next().copied().unwrap_or_default().into())?),
            _ => board.roll(),
        }
        handle.notify(topic)?;
        let notice = notifications.next().ok_or_else(|| anyhow!("the connection was closed"))??;
        let Notice::Notification(notification) = notice else {
            return Err(anyhow!("the demonstration was interrupted: {notice:?}"));
        };
        if count == args.notifications {
            client.unlisten();
        }
        client.request(Get(notification.topic))?;
    }
    client.close();
    handle.shutdown();
    serving.join().map_err(|_| anyhow!("the server's thread has panicked"))??;
    Ok(())
}
