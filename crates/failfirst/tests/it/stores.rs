//! What a service says, and keeps, when something is wrong with where it keeps what it owns: the real program on real
//! files, and on a database that comes and goes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use servers::OwnServer;
use tempfile::TempDir;

/// A whole platform in one process, with one file.
const DESIGN: &str = "name = 'quick'\ntopology = 'monolith'\n\n[payment]\nslots = 4\nfailure_rate = 0.0\n\
    decline_rate = 0.0\nservice_time = { kind = 'constant', value = '1ms' }\n";

const FILE: &str = "monolith.redb";

/// How long anything may take: machines are slow when they are busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A design, and a directory for data.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("quick.toml"), DESIGN).expect("written");
        Self(folder)
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn file(&self) -> PathBuf {
        self.data().join(FILE)
    }

    /// The program, with signals about files that are too large ignored: what is asked too much is then an error.
    fn serve(&self, port: u16, store: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_failfirst")]);
        command.args(["serve", "order-api", "--port", &port.to_string(), "--design"]);
        command.arg(self.0.path().join("quick.toml")).args(["--store", store]);
        command.env_remove("FAILFIRST_LOG").env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn in_files(&self) -> String {
        format!("redb://{}", self.data().display())
    }

    /// Starts it, and waits until it answers at all.
    fn start(&self, store: &str) -> Running {
        let port = free_port();
        let log = self.0.path().join("log");
        let stderr = fs::File::options().create(true).append(true).open(&log).expect("opened");
        let mut process = self.serve(port, store).stderr(stderr).spawn().expect("started");
        let said = || fs::read_to_string(&log).unwrap_or_default();
        until(&said, || {
            assert_eq!(process.try_wait().expect("a child"), None, "it ended: {}", said());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Running { process, port, log }
    }

    /// Starts it in vain: exit code 2, one line that says what is wrong, and one what to do about it.
    #[track_caller]
    fn refused(&self, port: u16, store: &str, wrong: &[&str], help: &str) {
        let ended = self.serve(port, store).output().expect("started");
        let said = String::from_utf8(ended.stderr).expect("text");
        assert_eq!((ended.status.code(), &ended.stdout[..]), (Some(2), &[][..]), "{said}");
        let lines: Vec<_> = said.lines().collect();
        let [error, advice] = lines[..] else { panic!("an error and a help:\n{said}") };
        assert!(error.starts_with("error: ") && wrong.iter().all(|words| error.contains(words)), "{said}");
        assert_eq!(advice, format!("  help: {help}"));
    }
}

/// A process that serves. Killed when dropped.
struct Running {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Running {
    /// One exchange: the status, and all that was said.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("an HTTP answer: {text}")), text)
    }

    fn order(&self, id: &str) -> (u16, String) {
        let body = format!(
            r#"{{"order_id":"{id}","customer_id":"c1","items":[{{"product_id":"P","quantity":1,"price":1}}]}}"#
        );
        self.ask("POST", "/orders", &body)
    }

    /// What is wrong when it is not ready.
    fn ready(&self) -> (u16, String) {
        self.ask("GET", "/readyz", "")
    }

    fn until_ready(&self, status: u16) -> String {
        let said = || fs::read_to_string(&self.log).unwrap_or_default();
        until(&said, || self.ready().0 == status);
        self.ready().1
    }

    /// Orders that were answered with success are there, completed.
    #[track_caller]
    fn has(&self, orders: &[&str]) {
        for order in orders {
            let (status, told) = self.ask("GET", &format!("/orders/{order}"), "");
            assert!(status == 200 && told.contains("\"completed\""), "{order}: {told}");
        }
    }

    /// How much it may write into a file from now on.
    #[cfg(target_os = "linux")]
    fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let pid = Pid::from_raw(self.process.id() as i32);
        let before = prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None });
        before.expect("a child of the same user");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port()
}

#[track_caller]
fn until(said: &dyn Fn() -> String, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "in vain; it said:\n{}", said());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Everything in a folder, by name.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<_> = entries.map(|path| (path.clone(), fs::read(path).expect("readable"))).collect();
    all.sort();
    all
}

#[test]
fn a_second_process_on_the_same_file_is_refused_and_does_the_first_no_harm() {
    let place = Place::new();
    let first = place.start(&place.in_files());
    assert_eq!(first.order("o-1").0, 200);
    let help = "stop the process that uses it, or choose another directory with --data";
    place.refused(free_port(), &place.in_files(), &[FILE, "is in use by another process"], help);
    assert_eq!((first.order("o-2").0, first.ready().0), (200, 200));
    first.has(&["o-1", "o-2"]);
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is_and_a_copy_of_it_serves_again() {
    let place = Place::new();
    let running = place.start(&place.in_files());
    assert_eq!(running.order("o-1").0, 200);
    drop(running);
    let copy = contents(&place.data());
    let mut damaged = fs::read(place.file()).expect("readable");
    // Somewhere in it is what is used, and it is verified whole.
    damaged.chunks_mut(4_096).skip(1).for_each(|page| page[100..120].fill(0xaa));
    fs::write(place.file(), &damaged).expect("written");
    let help =
        "restore it from a copy, or move it away to begin with an empty store (what was in it is lost then)";
    place.refused(free_port(), &place.in_files(), &[FILE, "is damaged"], help);
    assert!(fs::read(place.file()).expect("readable") == damaged, "nobody has touched it");
    for (path, bytes) in copy {
        fs::write(path, bytes).expect("written");
    }
    place.start(&place.in_files()).has(&["o-1"]);
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    let place = Place::new();
    fs::create_dir(place.data()).expect("created");
    fs::write(place.file(), "a shopping list\n".repeat(1_000)).expect("written");
    let before = contents(&place.data());
    let help = "move the file away, or choose another directory with --data";
    place.refused(free_port(), &place.in_files(), &[FILE, "is not a store of this program"], help);
    assert!(contents(&place.data()) == before);
}

/// Nobody may make a file there, root neither, whom the permissions of a directory do not stop.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_to_is_refused() {
    let help = "choose a directory that this process may write to with --data";
    for directory in ["/sys/kernel", "/sys/kernel/failfirst"] {
        let wrong = [directory, "cannot be opened: "];
        Place::new().refused(free_port(), &format!("redb://{directory}"), &wrong, help);
    }
}

/// A disk without room, as far as the process can tell: it may not write one byte more.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_takes_nothing_more_is_said_and_found_out_when_it_does_again() {
    let place = Place::new();
    let running = place.start(&place.in_files());
    assert_eq!(running.order("o-1").0, 200);
    running.limit_files(Some(0));
    let (status, told) = running.order("o-2");
    assert!(status == 503 && told.contains("/problems/store-unavailable"), "{told}");
    let told = running.until_ready(503);
    assert!(told.contains(FILE) && told.contains("File too large"), "{told}");
    assert_eq!(running.ask("GET", "/livez", "").0, 200, "to start it again would not help");
    running.limit_files(None);
    running.until_ready(200);
    assert_eq!(running.order("o-3").0, 200);
    running.has(&["o-1", "o-3"]);
    drop(running);
    place.start(&place.in_files()).has(&["o-1", "o-3"]);
}

#[test]
fn a_taken_port_is_said_with_what_to_do() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let help = "choose another port with --port or --admin-port, or another address with --bind";
    let wrong = ["order-api cannot listen", &format!("port {port}"), "in use"];
    place.refused(port, &place.in_files(), &wrong, help);
}

#[test]
fn a_database_that_is_not_there_is_waited_for_and_said_without_its_password() {
    let place = Place::new();
    let port = free_port();
    let running = place.start(&format!("postgres://me:sesame@127.0.0.1:{port}/mine"));
    let told = running.until_ready(503);
    assert!(told.contains("the store cannot be used") && told.contains("refused"), "{told}");
    let (status, told) = running.order("o-1");
    assert!(status == 503 && told.contains("/problems/store-unavailable"), "{told}");
    assert_eq!(running.ask("GET", "/livez", "").0, 200);
    let log = fs::read_to_string(&running.log).expect("readable");
    let named = format!("postgres://me@127.0.0.1:{port}/mine\",\"schema\":\"order_api\"");
    assert_eq!(log.lines().filter(|line| line.contains(&named)).count(), 1, "said once, with where: {log}");
    assert!(!told.contains("sesame") && !log.contains("sesame"), "{told}\n{log}");
}

#[test]
fn a_database_that_dies_is_said_and_found_again_with_everything_that_was_accepted() {
    if servers::server("FAILFIRST_TEST_POSTGRES").is_none() {
        return;
    }
    let (place, database) = (Place::new(), OwnServer::new("postgres"));
    let url = format!("postgres://failfirst:failfirst@127.0.0.1:{}/failfirst", database.port());
    let running = place.start(&url);
    running.until_ready(503);
    database.start();
    running.until_ready(200);
    assert_eq!(running.order("o-1").0, 200);
    database.crash();
    let told = running.until_ready(503);
    assert!(told.contains("the store "), "{told}");
    let (status, told) = running.order("o-2");
    assert_eq!(status, 503, "{told}");
    database.start();
    running.until_ready(200);
    assert_eq!(running.order("o-3").0, 200);
    running.has(&["o-1", "o-3"]);
}
