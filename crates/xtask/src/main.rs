//! `cargo run -p xtask -- <chore>`: what a contributor runs by hand now and then.

use std::process::ExitCode;

use anyhow::{Context as _, bail};

const USAGE: &str = "usage: cargo run -p xtask -- schema    write docs/schema/*.schema.json from the code";

fn main() -> ExitCode {
    match chore(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn chore(arguments: Vec<String>) -> anyhow::Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["schema"] => {
            let folder = xtask::schema::folder();
            for file in xtask::schema::files() {
                let path = folder.join(file.name);
                std::fs::create_dir_all(&folder)
                    .with_context(|| format!("cannot create {}", folder.display()))?;
                std::fs::write(&path, file.text)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                println!("docs/schema/{}", file.name);
            }
            Ok(())
        }
        _ => bail!("{USAGE}"),
    }
}
