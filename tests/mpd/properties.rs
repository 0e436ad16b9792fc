//! What holds for any answer. Any bytes at all, and any command, are tried in the rooms `split` and
//! `encoders` of `bellwire-proof`.

use bellwire::dialect::mpd::Fields;
use quickcheck::QuickCheck;

use super::done;

fn check(property: impl quickcheck::Testable) {
    QuickCheck::new().quickcheck(property);
}

/// Keys and values come out as they went in.
#[test]
fn fields_round_trip() {
    fn same(pairs: Vec<(String, String)>) -> bool {
        let key = |key: &str| format!("k{}", key.replace([':', '\n'], "-"));
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|pair| (key(&pair.0), pair.1.replace('\n', "-"))).collect();
        let lines: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let fields = Fields::try_from(done(lines)).unwrap();
        let firsts = pairs.iter().all(|(key, _)| {
            let all: Vec<&str> =
                pairs.iter().filter(|it| it.0 == *key).map(|it| it.1.as_str()).collect();
            fields.get_all(key).eq(all.iter().copied()) && fields.get(key) == all.first().copied()
        });
        let groups = pairs.first().map(|(first, _)| fields.clone().groups(&[first.as_str()]));
        let grouped: Vec<_> = groups.iter().flatten().flat_map(Fields::iter).collect();
        fields.len() == pairs.len()
            && fields.is_empty() == pairs.is_empty()
            && fields.iter().eq(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
            && firsts
            && fields.iter().eq(grouped)
    }
    check(same as fn(_) -> _);
}
