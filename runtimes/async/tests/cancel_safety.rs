//! Guarantee G19: each public async item says what happens if it is dropped.

use std::fs;
use std::path::Path;

/// The public async functions in a file, and whether their documentation has the section.
fn documented(source: &str) -> Vec<(String, bool)> {
    let mut docs = String::new();
    let mut found = Vec::new();
    for line in source.lines().map(str::trim) {
        if line.starts_with("///") {
            docs.push_str(line);
        } else if !line.starts_with("#[") {
            let public = line.starts_with("pub ");
            if public && (line.contains("async fn") || line.contains("-> impl Future")) {
                found.push((line.to_owned(), docs.contains("# Cancel safety")));
            }
            docs.clear();
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![fs::read_to_string(path).unwrap()],
        })
        .collect()
}

#[test]
fn g19_each_public_async_item_documents_its_cancel_safety() {
    let runtimes = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = 0;
    for adapter in ["async", "tokio", "smol", "async-std"] {
        for source in sources(&runtimes.join(adapter).join("src")) {
            for (item, documented) in documented(&source) {
                assert!(documented, "{adapter}: {item}");
                found += 1;
            }
        }
    }
    assert!(found >= 15, "only {found} were found");
}
