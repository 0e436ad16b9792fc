//! Dovecot, an IMAP server.

use std::fs::{File, Permissions};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use crate::server::{GREETING, Server, visit};
use crate::{ports, program};

/// Both the user and the group `nobody`: root reads no mail.
const NOBODY: u32 = 65534;

/// To Dovecot, a client is local, and may say a password in the clear, if it has the server's own address.
/// Clients on this machine have 127.0.0.1 unless they ask for another.
const FOREIGN: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A Dovecot 2.3 that serves IMAP to the user `test` with the password `secret`.
///
/// Some of its ways, which tests meet:
///
/// - New mail reaches an idling client 0.5 s after it was delivered.
/// - It learns of new mail from the kernel (inotify), for 128 idling clients of all servers together.
///   For those beyond, it looks once per [`check_interval`](DovecotOptions::check_interval).
/// - After SIGTERM, clients that are logged in are served for another 10 s.
#[derive(Debug)]
pub struct Dovecot {
    server: Server,
    ports: Ports,
    certificate: String,
    delivered: AtomicU32,
    /// So often the passwords have changed.
    changed: AtomicU32,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    plain: SocketAddr,
    tls: SocketAddr,
}

/// How a [`Dovecot`] is to be.
#[derive(Clone, Debug)]
#[must_use]
pub struct DovecotOptions {
    notify_interval: Duration,
    check_interval: Duration,
    failed_login_delay: Duration,
    disable_plaintext_auth: bool,
    settings: String,
}

impl DovecotOptions {
    /// How often an idling client hears `* OK Still here`, in whole seconds. Unless told, 120 s.
    pub fn notify_interval(mut self, interval: Duration) -> Self {
        self.notify_interval = interval;
        self
    }

    /// How often the mailbox of an idling client is looked at, if the kernel does not tell, in whole
    /// seconds. Unless told, 1 s; a Dovecot that nobody configures waits for 30 s.
    pub fn check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = interval;
        self
    }

    /// How long the answer to a failed login takes, in whole seconds. Unless told, none; a Dovecot that
    /// nobody configures takes 2 s, and longer for the next.
    pub fn failed_login_delay(mut self, delay: Duration) -> Self {
        self.failed_login_delay = delay;
        self
    }

    /// Whether a login needs TLS (`LOGINDISABLED`). Unless told, it does not. If it does,
    /// [`Dovecot::address`] is not 127.0.0.1, which Dovecot trusts.
    pub fn disable_plaintext_auth(mut self, disable: bool) -> Self {
        self.disable_plaintext_auth = disable;
        self
    }

    /// Any other setting of `dovecot.conf`. It wins over ours.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings += &format!("{name} = {value}\n");
        self
    }

    /// Starts it; `None` if there is no Dovecot here.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(self) -> Option<Dovecot> {
        self.start_at(ports::free)
    }

    fn start_at(self, mut free: impl FnMut(IpAddr) -> SocketAddr) -> Option<Dovecot> {
        let mut server = Server::new(program("dovecot", "dovecot-imapd")?, &["-F", "-c"]);
        let certificate = certify(&server);
        server.write(USERS, users("secret"));
        make_maildir(&server);
        let user = User::to_be();
        let configure = |folder: &Path| {
            let ports = Ports { plain: free(self.plain_ip()), tls: free(local()) };
            (self.configuration(folder, &user, ports), ports)
        };
        let ports = server.start(configure, |folder, ports| greets(folder, *ports));
        let (delivered, changed) = (AtomicU32::new(0), AtomicU32::new(0));
        Some(Dovecot { server, ports, certificate, delivered, changed })
    }

    fn plain_ip(&self) -> IpAddr {
        if self.disable_plaintext_auth { FOREIGN } else { local() }
    }

    fn configuration(&self, folder: &Path, user: &User, ports: Ports) -> String {
        let (folder, Ports { plain, tls }) = (folder.display(), ports);
        let User { name, group, services } = user;
        let (plain_ip, plain_port, tls_ip, tls_port) =
            (plain.ip(), plain.port(), tls.ip(), tls.port());
        let notify_interval = self.notify_interval.as_secs();
        let check_interval = self.check_interval.as_secs();
        let failed_login_delay = self.failed_login_delay.as_secs();
        let no_plaintext = if self.disable_plaintext_auth { "yes" } else { "no" };
        let more = &self.settings;
        format!(
            "\
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = /dev/stderr
auth_verbose = yes
# By its greeting, it is told from another that got the same port first.
login_greeting = Dovecot ready in {folder}.

ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem

first_valid_uid = 1
first_valid_gid = 1
userdb {{
  driver = static
  args = uid={name} gid={group} home={folder}/mail
}}
mail_location = maildir:~
mail_fsync = never
mailbox_idle_check_interval = {check_interval}s
imap_idle_notify_interval = {notify_interval}s
namespace inbox {{
  inbox = yes
  separator = /
}}

auth_mechanisms = plain login
disable_plaintext_auth = {no_plaintext}
auth_failure_delay = {failed_login_delay}s
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}

# A thousand clients of one user, at once.
mail_max_userip_connections = 0
service imap {{
  process_limit = 1100
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    address = {plain_ip}
    port = {plain_port}
  }}
  inet_listener imaps {{
    address = {tls_ip}
    port = {tls_port}
    ssl = yes
  }}
}}
# Failed logins do not slow down the logins after them.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{services}
{more}"
        )
    }
}

impl Dovecot {
    /// Starts one; `None` if there is no Dovecot here.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::options().start()
    }

    /// One that is to be different.
    pub fn options() -> DovecotOptions {
        DovecotOptions {
            notify_interval: Duration::from_secs(120),
            check_interval: Duration::from_secs(1),
            failed_login_delay: Duration::ZERO,
            disable_plaintext_auth: false,
            settings: String::new(),
        }
    }

    /// Where it listens, in the clear and for STARTTLS.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.ports.plain
    }

    /// Where it listens with TLS from the first byte on.
    #[must_use]
    pub fn tls_address(&self) -> SocketAddr {
        self.ports.tls
    }

    /// Its certificate in PEM: for `localhost` and all addresses that it listens on, signed by itself.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The same as a file.
    #[must_use]
    pub fn certificate_file(&self) -> PathBuf {
        self.server.folder().join("certificate.pem")
    }

    /// Delivers a mail with this subject into the inbox, as a local delivery agent does.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn deliver(&self, subject: &str) {
        let count = self.delivered.fetch_add(1, Ordering::Relaxed);
        let mail = format!(
            "From: Sender <sender@example.org>\r\n\
             To: Test <test@example.org>\r\n\
             Subject: {subject}\r\n\
             Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n\
             Message-ID: <{count}@example.org>\r\n\
             \r\n\
             This is mail {count}.\r\n"
        );
        // The names are in the order of delivery, and so will be the mails.
        let name = format!("1767225600.M{count:06}.bellwire");
        self.server.write(&format!("mail/tmp/{name}"), mail);
        let mailbox = self.server.folder().join("mail");
        let delivered =
            fs::rename(mailbox.join("tmp").join(&name), mailbox.join("new").join(&name));
        delivered.unwrap_or_else(|error| panic!("cannot deliver {name}: {error}"));
    }

    /// Gives the user `test` another password. A server that runs looks for it once a second.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn set_password(&self, password: &str) {
        self.set_users(&users(password), 0o644);
    }

    /// Nobody can log in (`[UNAVAILABLE]`) until there is a [password](Self::set_password) again.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn lose_passwords(&self) {
        self.set_users("", 0);
    }

    /// In one step, for it may be read at any time.
    fn set_users(&self, users: &str, mode: u32) {
        const NEXT: &str = "users.next";
        self.server.write(NEXT, users);
        // Dovecot reads the file again if it has another date, in whole seconds. To begin with, it has
        // read one of the year 1970.
        let changes = self.changed.fetch_add(1, Ordering::Relaxed);
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + u64::from(changes));
        let next = self.server.folder().join(NEXT);
        let changed = File::options().write(true).open(&next).and_then(|file| {
            file.set_modified(date)?;
            file.set_permissions(Permissions::from_mode(mode))?;
            fs::rename(&next, self.server.folder().join(USERS))
        });
        changed.unwrap_or_else(|error| panic!("cannot change the passwords: {error}"));
    }

    /// A session of the user `test` that needs no login (`PREAUTH`), as over SSH or `rsh`. It ends when
    /// the server is killed, or this is dropped.
    ///
    /// # Panics
    ///
    /// If it cannot be had.
    #[must_use]
    pub fn preauthenticated(&self) -> UnixStream {
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        let doveadm = program("doveadm", "dovecot-core").expect("it comes with Dovecot");
        let mut shell = Command::new("sh");
        shell.args(["-c", PREAUTHENTICATED]).arg(doveadm);
        self.server.assist(&mut shell, far.into());
        near
    }

    /// Ends the server in good order (SIGTERM), which takes a second. Nobody listens any more after this,
    /// but clients that are logged in are served for another 10 s, and are then told `BYE`.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Kills all its processes (SIGKILL), hence all its connections.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again, at the same addresses and with the same mail, killing first what is left.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart(&mut self) {
        let ports = self.ports;
        self.server.restart(|folder| greets(folder, ports));
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The group that all its processes are in, if there are any.
    #[must_use]
    pub fn process_group(&self) -> Option<i32> {
        self.server.process_group()
    }
}

/// As root, it refuses to run if its output is a socket.
const PREAUTHENTICATED: &str = r#""$0" -c "$1" exec imap -u test | cat"#;

/// The file with the passwords.
const USERS: &str = "users";

fn users(password: &str) -> String {
    format!("test:{{PLAIN}}{password}\n")
}

fn local() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

/// Both its listeners are open when one is.
fn greets(folder: &Path, ports: Ports) -> io::Result<()> {
    let stream = TcpStream::connect(ports.plain)?;
    stream.set_read_timeout(Some(GREETING))?;
    let greeting = visit(stream, b"bye LOGOUT\r\n")?;
    if !greeting.contains(&folder.display().to_string()) {
        return Err(io::Error::other(format!("another server greeted: {greeting}")));
    }
    Ok(())
}

/// Makes a certificate and its key, and hands out the certificate.
fn certify(server: &Server) -> String {
    let names = ["localhost".to_owned(), local().to_string(), FOREIGN.to_string()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let certificate = made.cert.pem();
    server.write("certificate.pem", &certificate);
    server.write("key.pem", made.signing_key.serialize_pem());
    certificate
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn make_maildir(server: &Server) {
    let mailbox = server.folder().join("mail");
    for folder in ["", "cur", "new", "tmp"] {
        let folder = mailbox.join(folder);
        let made = fs::create_dir_all(&folder).and_then(|()| match is_root() {
            true => chown(&folder, Some(NOBODY), Some(NOBODY)),
            false => Ok(()),
        });
        made.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }
}

/// Who reads the mail, and what an ordinary user must say besides.
struct User {
    name: String,
    group: String,
    services: String,
}

impl User {
    fn to_be() -> Self {
        if is_root() {
            let nobody = NOBODY.to_string();
            return Self { name: nobody.clone(), group: nobody, services: String::new() };
        }
        let (name, group) = (id("-un"), id("-gn"));
        let services = format!(
            "\
# It can neither become another user nor change its root.
default_internal_user = {name}
default_internal_group = {group}
default_login_user = {name}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"
        );
        Self { name, group, services }
    }
}

/// What `id` says. Dovecot wants names, which only the system can tell.
fn id(flag: &str) -> String {
    let said = Command::new("id").arg(flag).output().expect("id runs").stdout;
    String::from_utf8_lossy(&said).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whichever of the two it is, and though somebody greets there.
    #[test]
    fn a_port_that_is_taken() {
        for taken in [0, 1] {
            let Some(other) = Dovecot::start() else { return };
            let free = ports::one_taken(taken, [other.address(), other.tls_address()][taken]);
            let dovecot = Dovecot::options().start_at(free).unwrap();
            assert!(dovecot.log().contains("Address already in use"));
        }
    }

    #[test]
    #[should_panic(expected = "doveconf: Fatal: Error in configuration file")]
    fn a_server_that_does_not_start() {
        let started = Dovecot::options().setting("nonsense", "yes").start();
        assert!(started.is_some(), "doveconf: Fatal: Error in configuration file: it is missing");
    }
}
