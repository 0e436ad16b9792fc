//! The parts that a message is made of.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use imap_proto::{
    AttributeValue, BodyContentCommon, BodyContentSinglePart, BodyStructure, ContentEncoding,
    ContentType,
};

use super::envelope::{Envelope, decode};
use super::reader::Reader;
use super::{ParseError, proto};

/// So deep may parentheses in a `BODYSTRUCTURE` be nested. Each level takes stack, 8 KiB, and 48 KiB in
/// a build without optimisation; a message that is forwarded takes two or three more.
pub const MAX_NESTING: usize = 16;

/// A message, or a part of one, as `BODYSTRUCTURE` tells it (RFC 9051, section 7.5.2).
///
/// ```
/// use bellwire::dialect::imap::response::Untagged;
///
/// let response = b"* 1 FETCH (BODYSTRUCTURE ((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \
///     \"7bit\" 6 1)(\"image\" \"png\" NIL NIL NIL \"base64\" 812 NIL (\"attachment\" \
///     (\"filename\" \"door.png\"))) \"mixed\"))";
/// let Untagged::Fetch(message) = Untagged::parse(response)? else { panic!("no FETCH") };
/// let structure = message.structure().transpose()?.unwrap_or_default();
/// assert_eq!(structure.kind, "multipart/mixed");
/// assert_eq!(structure.parts[0].parameter("charset"), Some("utf-8"));
/// assert_eq!(structure.parts[1].filename(), Some("door.png"));
/// # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Structure {
    /// Type and subtype in lower case: `text/plain`, `multipart/mixed`, `message/rfc822`.
    pub kind: String,
    /// The type's parameters, encoded words decoded.
    pub parameters: Vec<(String, String)>,
    /// `Content-ID`.
    pub id: Option<String>,
    /// `Content-Description`, encoded words decoded.
    pub description: Option<String>,
    /// `Content-Transfer-Encoding` in lower case.
    pub encoding: Option<String>,
    /// The part's size in bytes, as it is encoded; none of a multipart.
    pub size: Option<u32>,
    /// The part's size in lines, of a text or a message.
    pub lines: Option<u32>,
    /// `Content-Disposition`.
    pub disposition: Option<Disposition>,
    /// The envelope of a `message/rfc822`.
    pub envelope: Option<Box<Envelope>>,
    /// The parts of a multipart; the one body of a `message/rfc822`.
    pub parts: Vec<Structure>,
}

/// `Content-Disposition` (RFC 2183).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disposition {
    /// `inline`, `attachment` or another, in lower case.
    pub kind: String,
    /// Its parameters, encoded words decoded.
    pub parameters: Vec<(String, String)>,
}

impl Structure {
    /// Reads the value of `BODYSTRUCTURE`, as it stands on the wire.
    ///
    /// # Errors
    ///
    /// When it breaks the syntax, or is nested deeper than [`MAX_NESTING`].
    pub fn parse(value: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(value);
        let response = proto::response("BODYSTRUCTURE", &mut reader)?;
        reader.end()?;
        match proto::item(&response) {
            Some(AttributeValue::BodyStructure(structure)) => Ok(Self::decoded(structure)),
            _ => Err(ParseError::new("a BODYSTRUCTURE is expected", value, 0)),
        }
    }

    /// A parameter of the type, by its name in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.parameters, name)
    }

    /// What the sender calls the file: in the disposition, or as the type's `name`.
    ///
    /// It is no path to write to: it may be anything, `../../etc/passwd` say.
    #[must_use]
    pub fn filename(&self) -> Option<&str> {
        let named =
            self.disposition.as_ref().and_then(|own| parameter(&own.parameters, "filename"));
        named.or_else(|| self.parameter("name"))
    }

    fn common(common: BodyContentCommon<'_>) -> Self {
        let ContentType { ty, subtype, params } = common.ty;
        Self {
            kind: format!("{ty}/{subtype}").to_lowercase(),
            parameters: parameters(params),
            disposition: common.disposition.map(|own| Disposition {
                kind: own.ty.to_lowercase(),
                parameters: parameters(own.params),
            }),
            ..Self::default()
        }
    }

    fn single(common: BodyContentCommon<'_>, other: BodyContentSinglePart<'_>) -> Self {
        Self {
            id: other.id.map(Cow::into_owned),
            description: other.description.map(|text| decode(text.as_bytes())),
            encoding: Some(encoding(&other.transfer_encoding)),
            size: Some(other.octets),
            ..Self::common(common)
        }
    }
}

impl Structure {
    fn decoded(structure: BodyStructure<'_>) -> Self {
        match structure {
            BodyStructure::Basic { common, other, .. } => Self::single(common, other),
            BodyStructure::Text { common, other, lines, .. } => {
                Self { lines: Some(lines), ..Self::single(common, other) }
            }
            BodyStructure::Message { common, other, envelope, body, lines, .. } => Self {
                lines: Some(lines),
                envelope: Some(Box::new(Envelope::decoded(envelope))),
                parts: Vec::from([Self::decoded(*body)]),
                ..Self::single(common, other)
            },
            BodyStructure::Multipart { common, bodies, .. } => {
                let parts = bodies.into_iter().map(Self::decoded).collect();
                Self { parts, ..Self::common(common) }
            }
        }
    }
}

fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
    Some(value)
}

fn parameters(parameters: Option<Vec<(Cow<'_, str>, Cow<'_, str>)>>) -> Vec<(String, String)> {
    let owned =
        |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), decode(value.as_bytes()));
    parameters.unwrap_or_default().into_iter().map(owned).collect()
}

fn encoding(encoding: &ContentEncoding<'_>) -> String {
    match encoding {
        ContentEncoding::SevenBit => "7bit".to_string(),
        ContentEncoding::EightBit => "8bit".to_string(),
        ContentEncoding::Binary => "binary".to_string(),
        ContentEncoding::Base64 => "base64".to_string(),
        ContentEncoding::QuotedPrintable => "quoted-printable".to_string(),
        ContentEncoding::Other(name) => name.to_lowercase(),
    }
}
