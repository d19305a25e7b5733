//! The file that holds the number of the daemon's process.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::sys::signal;
use nix::unistd::Pid;

/// A pid file that has been written.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    pid: u32,
}

impl PidFile {
    /// Returns the live process that the file at `path` names, if it is another than ourselves.
    ///
    /// A reason for a warning: two daemons may be running.
    pub fn live_owner(path: &Path) -> Option<u32> {
        let pid: i32 = fs::read_to_string(path).ok()?.trim().parse().ok()?;
        let owner = u32::try_from(pid).ok().filter(|&owner| owner != 0)?;
        // A process that we may not signal is alive, too.
        let alive = matches!(
            signal::kill(Pid::from_raw(pid), None),
            Ok(()) | Err(nix::Error::EPERM)
        );
        (alive && owner != std::process::id()).then_some(owner)
    }

    /// Writes the number of this process and a line feed to `path`, mode 0644 less the umask.
    ///
    /// Writes `<path>.tmp` first and renames it, so that nobody ever reads half a number. The path
    /// is remembered from the root: the daemon may leave its working folder.
    ///
    /// # Errors
    ///
    /// When the file can't be made; memcached and we treat it as a warning.
    pub fn write(path: &Path) -> io::Result<Self> {
        let pid = std::process::id();
        let path = std::path::absolute(path)?;
        let mut name = path.clone().into_os_string();
        name.push(".tmp");
        let new = PathBuf::from(name);
        let written = create(&new)
            .and_then(|mut file| writeln!(file, "{pid}"))
            .and_then(|()| fs::rename(&new, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        Ok(Self { path, pid })
    }

    /// Removes the file, unless another process has written its own number there meanwhile.
    ///
    /// # Errors
    ///
    /// When the file can't be removed, as when privileges have been given up.
    pub fn remove(self) -> io::Result<()> {
        let text = fs::read_to_string(&self.path)?;
        match text.trim().parse() {
            Ok(pid) if self.pid == pid => fs::remove_file(&self.path),
            _ => Ok(()),
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    // A leftover or a link planted there is replaced, never followed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_holds_our_number_and_goes_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.pid");
        let file = PidFile::write(&path).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("{}\n", std::process::id())
        );
        assert!(!folder.path().join("daemon.pid.tmp").exists());
        file.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn file_of_a_successor_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.pid");
        let file = PidFile::write(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        file.remove().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn live_owner_is_another_process_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.pid");
        for (text, owner) in [
            (format!("{}\n", std::process::id()), None),
            ("1\n".to_owned(), Some(1)),
            ("999999999\n".to_owned(), None),
            ("rubbish".to_owned(), None),
            ("-1".to_owned(), None),
            ("0".to_owned(), None),
        ] {
            fs::write(&path, &text).unwrap();
            assert_eq!(PidFile::live_owner(&path), owner, "{text}");
        }
        assert_eq!(PidFile::live_owner(&folder.path().join("absent")), None);
    }

    #[test]
    fn folder_that_does_not_exist_is_an_error() {
        assert!(PidFile::write(Path::new("/nonexistent/daemon.pid")).is_err());
    }
}
