//! Typed commands.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::string::{astring, base64, literal, secret};
use super::{Expect, Imap, encode_mailbox, text};
use crate::command::{Answer, Command, Encoder};
use crate::error::{BadReply, Refusal};

/// `LOGIN`: with a user's name and password. It is not due where the server's greeting says that the
/// connection is logged in already.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    user: String,
    password: String,
}

impl Login {
    /// Logs this user in.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: password.into() }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Command<Imap> for Login {
    type Reply = ();

    fn encode(&self, dialect: &Imap, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        if !dialect.keeps_secrets() {
            return Err(Refusal::Insecure);
        }
        if dialect.capabilities().has("LOGINDISABLED") {
            return Err(Refusal::NotOffered("LOGIN"));
        }
        line.push(b"LOGIN ");
        astring(dialect, self.user.as_bytes(), line)?;
        line.push(b" ");
        secret(dialect, self.password.as_bytes(), line)?;
        line.end(b"\r\n");
        Ok(Expect::Reply)
    }

    fn decode(&self, answer: Answer) -> Result<(), BadReply> {
        answer.done().map(drop)
    }

    fn is_due(&self, dialect: &Imap) -> bool {
        !dialect.is_preauthenticated()
    }
}

/// `AUTHENTICATE`: with a password or a token, by SASL (RFC 9051 section 6.2.2). What the server must
/// know is sent with the command if the server has said that it takes that (`SASL-IR`, RFC 4959), and
/// when it asks for it otherwise.
#[derive(Clone, PartialEq, Eq)]
pub struct Authenticate {
    mechanism: &'static str,
    response: Vec<u8>,
    /// What to answer if the server asks once more.
    more: &'static [u8],
}

impl Authenticate {
    /// `PLAIN`: a user's name and password (RFC 4616).
    #[must_use]
    pub fn plain(user: &str, password: &str) -> Self {
        let response = ["", user, password].join("\0").into_bytes();
        // There is no more to say: cancels it (RFC 9051 section 6.2.2).
        Self { mechanism: "PLAIN", response, more: b"*" }
    }

    /// `XOAUTH2`: a user's name and an access token, as several large providers want it.
    #[must_use]
    pub fn xoauth2(user: &str, token: &str) -> Self {
        let response = ["user=", user, "\x01auth=Bearer ", token, "\x01\x01"].concat().into_bytes();
        // The server asks once more to explain why it refuses.
        Self { mechanism: "XOAUTH2", response, more: b"" }
    }

    /// Whether no part of it ends another early.
    fn is_sound(&self) -> bool {
        let separators = |byte| self.response.iter().filter(|it| **it == byte).count();
        match self.mechanism {
            "PLAIN" => separators(0) == 2,
            _ => separators(1) == 3,
        }
    }
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticate").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

impl Command<Imap> for Authenticate {
    type Reply = ();

    fn encode(&self, dialect: &Imap, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        if !dialect.keeps_secrets() {
            return Err(Refusal::Insecure);
        }
        if !self.is_sound() {
            return Err(Refusal::Reserved("a user's name or secret holds a byte that ends it"));
        }
        line.push(b"AUTHENTICATE ");
        line.push(self.mechanism.as_bytes());
        if dialect.offers("SASL-IR") {
            line.push(b" ");
        } else {
            line.end(b"\r\n");
            line.pause();
        }
        line.secret("***", |line| {
            line.push(base64(&self.response).as_bytes());
            Ok(())
        })?;
        line.end(b"\r\n");
        line.pause();
        line.push(self.more);
        line.end(b"\r\n");
        Ok(Expect::Reply)
    }

    fn decode(&self, answer: Answer) -> Result<(), BadReply> {
        answer.done().map(drop)
    }

    fn is_due(&self, dialect: &Imap) -> bool {
        !dialect.is_preauthenticated()
    }
}

/// `STARTTLS`: asks to switch to TLS (RFC 9051 section 6.2.1). When the server agrees, the stream has
/// to change, and [`Client::upgrade`](crate::Client::upgrade) to be called. It is not due on a
/// connection that nobody can listen in on already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartTls;

impl Command<Imap> for StartTls {
    type Reply = ();

    fn encode(&self, dialect: &Imap, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        let capabilities = dialect.capabilities();
        if !capabilities.is_unknown() && !capabilities.has("STARTTLS") {
            return Err(Refusal::NotOffered("STARTTLS"));
        }
        text::encode(dialect, b"STARTTLS", line)
    }

    fn decode(&self, answer: Answer) -> Result<(), BadReply> {
        answer.done().map(drop)
    }

    fn is_due(&self, dialect: &Imap) -> bool {
        !dialect.secured
    }
}

macro_rules! opens_mailbox {
    ($(#[$doc:meta])* $name:ident, $verb:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(
            /// The mailbox's name, as people know it.
            pub String,
        );

        impl Command<Imap> for $name {
            type Reply = Answer;

            fn encode(&self, dialect: &Imap, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
                Ask::new($verb).mailbox(&self.0).encode(dialect, line)
            }

            fn decode(&self, answer: Answer) -> Result<Answer, BadReply> {
                answer.done()
            }
        }
    };
}

opens_mailbox! {
    /// `SELECT`: opens a mailbox. Its answer says how many messages there are, and more.
    Select, "SELECT"
}

opens_mailbox! {
    /// `EXAMINE`: opens a mailbox to read only.
    Examine, "EXAMINE"
}

/// `APPEND`: puts a message into a mailbox. Answered by the text of the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The mailbox's name, as people know it.
    pub mailbox: String,
    /// The message, with line ends of CR LF.
    pub message: Bytes,
}

impl Command<Imap> for Append {
    type Reply = Bytes;

    fn encode(&self, dialect: &Imap, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        let ask = Ask::new("APPEND").mailbox(&self.mailbox).literal(self.message.clone());
        ask.encode(dialect, line)
    }

    fn decode(&self, answer: Answer) -> Result<Bytes, BadReply> {
        Ok(answer.done()?.reply.text)
    }
}

/// Any command, put together from parts that cannot be confused. The answer holds all untagged data
/// that came while the command was on the wire.
///
/// ```
/// use bellwire::command;
/// use bellwire::dialect::imap::{Ask, Imap};
///
/// let ask = Ask::new("UID SEARCH").text("SUBJECT").astring("say \"hello\"");
/// assert_eq!(
///     command::encode(&Imap::default(), &ask)?,
///     b"UID SEARCH SUBJECT \"say \\\"hello\\\"\"\r\n",
/// );
/// # Ok::<(), bellwire::Refusal>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    verb: String,
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    Text(String),
    AString(Bytes),
    Literal(Bytes),
}

impl Ask {
    /// A command without arguments yet.
    pub fn new(verb: impl Into<String>) -> Self {
        Self { verb: verb.into(), arguments: Vec::new() }
    }

    /// Adds text of the protocol's own: `1:* (FLAGS UID)`.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.with(Argument::Text(text.into()))
    }

    /// Adds any text without NUL: as it is, quoted, or as a literal.
    #[must_use]
    pub fn astring(self, text: impl Into<Bytes>) -> Self {
        self.with(Argument::AString(text.into()))
    }

    /// Adds the name of a mailbox, as people know it.
    #[must_use]
    pub fn mailbox(self, name: &str) -> Self {
        self.astring(encode_mailbox(name))
    }

    /// Adds a literal: any bytes but NUL, as many as you like.
    #[must_use]
    pub fn literal(self, bytes: impl Into<Bytes>) -> Self {
        self.with(Argument::Literal(bytes.into()))
    }

    fn with(mut self, argument: Argument) -> Self {
        self.arguments.push(argument);
        self
    }

    /// The command without literals, as far as it says what it is.
    fn beginning(&self) -> String {
        let mut beginning = self.verb.to_string();
        if let Some(Argument::Text(text)) = self.arguments.first() {
            beginning.push(' ');
            beginning.push_str(text);
        }
        beginning
    }
}

impl Command<Imap> for Ask {
    type Reply = Answer;

    fn encode(&self, dialect: &Imap, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        let expect = text::expect(self.beginning().as_bytes())?;
        text::push(self.verb.as_bytes(), line)?;
        for argument in &self.arguments {
            line.push(b" ");
            match argument {
                Argument::Text(text) => text::push(text.as_bytes(), line)?,
                Argument::AString(text) => astring(dialect, text, line)?,
                Argument::Literal(bytes) => literal(dialect, bytes, line)?,
            }
        }
        line.end(b"\r\n");
        Ok(expect)
    }

    fn decode(&self, answer: Answer) -> Result<Answer, BadReply> {
        answer.done()
    }
}
