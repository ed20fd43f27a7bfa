//! A service as a process of its own: this same program, started as `failfirst serve …`.
//!
//! None outlives the process that started it, however that ends: each watches its standard input, a pipe that is held
//! here, and stops in good order when it closes. That does not reach one that was stopped where it stands, so those that
//! may be ask to be killed with their parent, where the system can promise it ([`die_with_parent`]). Ctrl-c goes to the
//! parent alone, which then stops its children in good order.

mod probe;

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::serve::{Part, Places};

pub use probe::until_alive;
pub(crate) use probe::until_ready;

/// Which service to start, and how.
#[derive(Clone, Debug)]
pub struct ServeCommand {
    /// The program: itself.
    pub program: PathBuf,
    /// What it is.
    pub part: Part,
    /// The design's name, or a TOML file.
    pub design: OsString,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its admin port, on the loopback.
    pub admin_port: Option<u16>,
    /// Where the services are, itself among them, by name.
    pub peers: Vec<(String, SocketAddr)>,
    /// The seed of its random streams.
    pub seed: u64,
    /// More of `serve`'s arguments.
    pub more: Vec<OsString>,
    /// Where it keeps what it owns.
    pub places: Places,
    /// Where what it says goes; to this process's own standard error when `None`.
    pub log: Option<PathBuf>,
}

impl ServeCommand {
    /// Starts it.
    ///
    /// # Errors
    /// When the program cannot be started, or its log cannot be opened.
    pub fn start(&self) -> io::Result<Process> {
        let mut command = Command::new(&self.program);
        command.args(["serve", self.part.served().name(), "--stop-with-stdin", "--design"]).arg(&self.design);
        command.args(["--bind", &self.listen.ip().to_string(), "--port", &self.listen.port().to_string()]);
        command.args(["--seed", &self.seed.to_string()]);
        if self.part.replica() > 1 {
            command.args(["--replica", &self.part.replica().to_string()]);
        }
        if let Some(port) = self.admin_port {
            command.args(["--admin-port", &port.to_string()]);
        }
        for (peer, address) in &self.peers {
            command.args(["--peer", &format!("{peer}={address}")]);
        }
        command.args(&self.more).stdout(Stdio::null());
        // Not as arguments: everybody on this machine may read those, and there may be passwords in them.
        for (variable, value) in self.places.variables() {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        Process::start(&self.part.name(), command, self.log.as_deref())
    }
}

/// A running child. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// Held apart from the child, which would close it as soon as it is waited for.
    lifeline: Option<ChildStdin>,
}

impl Process {
    /// Starts a command whose standard input is the lifeline; what it says is appended to `log`.
    pub(crate) fn start(name: &str, mut command: Command, log: Option<&Path>) -> io::Result<Self> {
        if let Some(log) = log {
            command.stderr(OpenOptions::new().create(true).append(true).open(log)?);
        }
        command.stdin(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let lifeline = child.stdin.take();
        Ok(Self { name: name.to_owned(), child, lifeline })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id; `None` when it has ended.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// What can be written to the child, while the lifeline is held.
    pub(crate) fn lifeline(&mut self) -> Option<&mut ChildStdin> {
        self.lifeline.as_mut()
    }

    /// What the child says on standard output, where that is a pipe. Once.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// When it is out of sight.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it running.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to stop, by letting go of its lifeline.
    pub fn let_go(&mut self) {
        self.lifeline = None;
    }

    /// Kills it and waits until it is gone.
    pub async fn kill(&mut self) {
        // An error says that it is gone already.
        let _gone = self.child.kill().await;
    }

    /// Asks it to stop, and kills it when it has not after so long.
    pub async fn stop(&mut self, within: Duration) {
        self.let_go();
        if tokio::time::timeout(within, self.wait()).await.is_err() {
            self.kill().await;
        }
    }
}

/// Has this process killed with its parent, where the system can promise that (Linux); the lifeline does the rest.
/// To be said by a child whose parent lets it live only as long as itself.
pub fn die_with_parent() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // Where it is not allowed, the lifeline is what there is.
        let _refused = set_parent_process_death_signal(Some(Signal::KILL));
    }
}
