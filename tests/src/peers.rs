//! Whose daemons a test runs: the command line of the tests.

use std::env;
use std::path::{Path, PathBuf};

use crate::check::{Failure, Outcome};
use crate::guide::ListenForm;

/// What the command line may say.
pub const USAGE: &str = "\
options: [--peers ours|real|mixed] [--cached PROGRAM] [--balancer PROGRAM]

  --peers ours    steadfast-cached and steadfast-balancer (the default)
  --peers real    memcached and HAProxy: proves the test
  --peers mixed   steadfast-cached behind HAProxy
  --cached, --balancer
                  take this program; else ours is the one in the target directory that
                  this test was built into, and the real one is Debian's";

/// What to run a test with.
#[derive(Debug)]
pub struct Options {
    peers: Peers,
    /// The caches' program.
    pub cached: PathBuf,
    /// The balancer's program.
    pub balancer: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peers {
    Ours,
    Real,
    Mixed,
}

impl Options {
    /// Reads the command line of this process.
    ///
    /// # Errors
    ///
    /// When it is none of [`USAGE`], or a program is not there.
    pub fn from_command_line() -> Outcome<Self> {
        let (mut peers, mut cached, mut balancer) = (Peers::Ours, None, None);
        let mut arguments = env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| Failure::new(format!("{name} needs a value")))
            };
            match name.as_str() {
                "--peers" => peers = Peers::parse(&value()?)?,
                "--cached" => cached = Some(PathBuf::from(value()?)),
                "--balancer" => balancer = Some(PathBuf::from(value()?)),
                other => return Err(Failure::new(format!("unknown argument {other:?}"))),
            }
        }
        let ours = |name: &str| -> Outcome<PathBuf> {
            // .../target/PROFILE/deps/guide-HASH
            let test = env::current_exe()?;
            let profile = test.ancestors().nth(2).unwrap_or(Path::new("."));
            Ok(profile.join(name))
        };
        let options = Self {
            peers,
            cached: match cached {
                Some(program) => program,
                None if peers == Peers::Real => "/usr/bin/memcached".into(),
                None => ours("steadfast-cached")?,
            },
            balancer: match balancer {
                Some(program) => program,
                None if peers == Peers::Ours => ours("steadfast-balancer")?,
                None => "/usr/sbin/haproxy".into(),
            },
        };
        for program in [&options.cached, &options.balancer] {
            crate::ensure!(
                program.is_file(),
                "there is no program {}; `cargo build --workspace --bins` makes ours",
                program.display()
            );
        }
        Ok(options)
    }

    /// True if the balancer is HAProxy.
    pub fn is_haproxy(&self) -> bool {
        self.peers != Peers::Ours
    }

    /// The form of the `listen` section that the balancer takes.
    pub fn listen_form(&self) -> ListenForm {
        if self.is_haproxy() {
            ListenForm::BindLine
        } else {
            ListenForm::SectionLine
        }
    }

    /// Whose daemons these are, in words.
    pub fn peers(&self) -> &'static str {
        match self.peers {
            Peers::Ours => "our daemons",
            Peers::Real => "memcached and HAProxy",
            Peers::Mixed => "our caches behind HAProxy",
        }
    }

    /// The programs, a line each.
    pub fn describe(&self) -> String {
        let Self {
            cached, balancer, ..
        } = self;
        format!(
            "caches: {}\nbalancer: {}",
            cached.display(),
            balancer.display()
        )
    }
}

impl Peers {
    fn parse(text: &str) -> Outcome<Self> {
        match text {
            "ours" => Ok(Self::Ours),
            "real" => Ok(Self::Real),
            "mixed" => Ok(Self::Mixed),
            _ => Err(Failure::new(format!(
                "peers {text:?} are not ours, real or mixed"
            ))),
        }
    }
}
