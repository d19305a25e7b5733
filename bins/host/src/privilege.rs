//! Users, groups, and giving up root for good.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use nix::unistd::{self, Gid, Group, Uid, User};

use crate::system;

/// A user to become: its id, its main group, and its name (for the supplementary groups).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserId {
    uid: Uid,
    gid: Option<Gid>,
    name: Option<String>,
}

impl UserId {
    /// Finds the user called `text`, or else the one with the number `text`.
    ///
    /// A number needs no entry in the user database; it has no groups of its own then.
    ///
    /// # Errors
    ///
    /// When there is no such user, or the database can't be read.
    pub fn find(text: &str) -> Result<Self, PrivilegeError> {
        let refused =
            |cause| PrivilegeError::new(format!("cannot look up the user '{text}'"), cause);
        let mut found = User::from_name(text).map_err(refused)?;
        let number = text.parse().ok().map(Uid::from_raw);
        if let (None, Some(uid)) = (&found, number) {
            found = User::from_uid(uid).map_err(refused)?;
        }
        match (found, number) {
            (Some(user), _) => Ok(user.into()),
            (None, Some(uid)) => Ok(Self {
                uid,
                gid: None,
                name: None,
            }),
            (None, None) => Err(PrivilegeError::unknown(format!(
                "can't find the user '{text}'"
            ))),
        }
    }

    /// Returns the number.
    pub fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    /// Returns the number of the user's main group; `None` for a number without an entry.
    pub fn gid(&self) -> Option<u32> {
        self.gid.map(Gid::as_raw)
    }
}

impl From<User> for UserId {
    fn from(user: User) -> Self {
        Self {
            uid: user.uid,
            gid: Some(user.gid),
            name: Some(user.name),
        }
    }
}

/// A group to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupId(Gid);

impl GroupId {
    /// Finds the group called `text`, or else the one with the number `text`.
    ///
    /// # Errors
    ///
    /// When there is no such group, or the database can't be read.
    pub fn find(text: &str) -> Result<Self, PrivilegeError> {
        let found = Group::from_name(text).map_err(|cause| {
            PrivilegeError::new(format!("cannot look up the group '{text}'"), cause)
        })?;
        found
            .map(|group| group.gid)
            .or_else(|| text.parse().ok().map(Gid::from_raw))
            .map(Self)
            .ok_or_else(|| PrivilegeError::unknown(format!("can't find the group '{text}'")))
    }

    /// Returns the number.
    pub fn gid(self) -> u32 {
        self.0.as_raw()
    }
}

/// Tells whether the process has root's powers.
pub fn is_root() -> bool {
    unistd::geteuid().is_root()
}

/// Who and where the process becomes. Look users and groups up first: after `chroot` the database is out of reach.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Identity {
    /// The user to become; `None` keeps the present one.
    pub user: Option<UserId>,
    /// The group to become; `None` takes the user's main group, or keeps the present one.
    pub group: Option<GroupId>,
    /// The folder that becomes `/`, also the working folder.
    pub chroot: Option<PathBuf>,
}

impl Identity {
    /// Becomes that, for the whole process and for good.
    ///
    /// Order: supplementary groups (needs root and the database), `chroot` (needs root), group,
    /// user (after which nothing more can be changed), then a check that root can't be had back.
    /// Open sockets and files stay open.
    ///
    /// # Errors
    ///
    /// When a step is refused. The process is half-way then and must end.
    pub fn assume(&self) -> Result<(), PrivilegeError> {
        let gid = self
            .group
            .map(|group| group.0)
            .or(self.user.as_ref().and_then(|user| user.gid));
        self.set_groups(gid)?;
        if let Some(folder) = &self.chroot {
            enter(folder)?;
        }
        if let Some(gid) = gid {
            unistd::setgid(gid).map_err(refuse(format!("cannot become group {gid}")))?;
        }
        if let Some(user) = &self.user {
            unistd::setuid(user.uid).map_err(refuse(format!("cannot become user {}", user.uid)))?;
            verify(user.uid)?;
        }
        Ok(())
    }

    fn set_groups(&self, gid: Option<Gid>) -> Result<(), PrivilegeError> {
        let named = self.user.as_ref().and_then(|user| user.name.as_deref());
        let done = match (named, gid) {
            (Some(name), Some(gid)) => system::init_groups(name, gid),
            (None, Some(gid)) => unistd::setgroups(&[gid]),
            (_, None) if self.user.is_some() => unistd::setgroups(&[]),
            (_, None) => return Ok(()),
        };
        done.map_err(refuse("cannot set the supplementary groups".to_owned()))
    }
}

/// Why privileges could not be looked up or given up.
#[derive(Debug)]
pub struct PrivilegeError {
    what: String,
    cause: Option<nix::Error>,
}

impl PrivilegeError {
    fn new(what: String, cause: nix::Error) -> Self {
        Self {
            what,
            cause: Some(cause),
        }
    }

    fn unknown(what: String) -> Self {
        Self { what, cause: None }
    }

    /// Tells whether a user or group does not exist (exit status 67), as against a refusal (71).
    pub fn is_unknown(&self) -> bool {
        self.cause.is_none()
    }
}

impl fmt::Display for PrivilegeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.cause {
            Some(cause) => write!(f, ": {}", crate::exit::reason(&cause.into())),
            None => Ok(()),
        }
    }
}

impl Error for PrivilegeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

fn refuse(what: String) -> impl FnOnce(nix::Error) -> PrivilegeError {
    |cause| PrivilegeError::new(what, cause)
}

fn enter(folder: &Path) -> Result<(), PrivilegeError> {
    let what = || format!("cannot change the root to {}", folder.display());
    unistd::chroot(folder).map_err(refuse(what()))?;
    unistd::chdir("/").map_err(refuse(what()))
}

fn verify(wanted: Uid) -> Result<(), PrivilegeError> {
    let root_again = !wanted.is_root() && unistd::setuid(Uid::from_raw(0)).is_ok();
    if root_again || unistd::getuid() != wanted || unistd::geteuid() != wanted {
        let what = format!("root could be had back after becoming user {wanted}");
        return Err(PrivilegeError::new(what, nix::Error::EPERM));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_by_number() {
        assert_eq!(UserId::find("root").unwrap().uid(), 0);
        assert_eq!(UserId::find("0").unwrap(), UserId::find("root").unwrap());
        assert_eq!(UserId::find("3999999").unwrap().uid(), 3_999_999);
        assert_eq!(GroupId::find("root").unwrap().gid(), 0);
    }

    #[test]
    fn unknown_names_are_told_apart_from_refusals() {
        let error = UserId::find("no-such-user").unwrap_err();
        assert!(error.is_unknown());
        assert_eq!(error.to_string(), "can't find the user 'no-such-user'");
        assert!(GroupId::find("no-such-group").unwrap_err().is_unknown());
    }

    #[test]
    fn dropping_is_for_good_and_leaves_no_groups() {
        if !is_root() {
            return;
        }
        let status = system::in_child(|| {
            let identity = Identity {
                user: Some(UserId::find("nobody").unwrap()),
                ..Identity::default()
            };
            identity.assume().unwrap();
            let nobody = UserId::find("nobody").unwrap();
            let gone = unistd::setuid(Uid::from_raw(0)).is_err()
                && unistd::getuid() == nobody.uid
                && unistd::getgid() == nobody.gid.unwrap()
                && unistd::getgroups()
                    .unwrap()
                    .iter()
                    .all(|gid| gid.as_raw() != 0);
            i32::from(!gone)
        });
        assert_eq!(status, 0);
    }

    #[test]
    fn chroot_happens_before_root_is_gone() {
        if !is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mark"), "").unwrap();
        std::fs::set_permissions(
            folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        let identity = Identity {
            user: Some(UserId::find("nobody").unwrap()),
            chroot: Some(folder.path().to_owned()),
            ..Identity::default()
        };
        let status = system::in_child(|| {
            identity.assume().unwrap();
            i32::from(!Path::new("/mark").exists())
        });
        assert_eq!(status, 0);
    }
}
