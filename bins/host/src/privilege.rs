//! Users, groups, and giving up root for good.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use nix::unistd::{self, Gid, Group, Uid, User};

use crate::accounts::{self, Account};
use crate::system;

/// A user to become: its id, its main group, and its name (for the supplementary groups).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserId {
    uid: Uid,
    gid: Gid,
    name: Option<String>,
    /// Its further groups, where the files are all that there is to know.
    member_of: Option<Vec<Gid>>,
}

impl UserId {
    /// Finds the user called `text`, or else the one with the number `text`.
    ///
    /// A number needs no entry in the user database; its main group is that of the same number
    /// then, so that nobody keeps root's group by giving up root.
    ///
    /// # Errors
    ///
    /// When there is no such user, or the database can't be read.
    pub fn find(text: &str) -> Result<Self, PrivilegeError> {
        let refused =
            |cause| PrivilegeError::new(format!("cannot look up the user '{text}'"), cause);
        if let Some(account) = accounts::find_user(text) {
            return Ok(account.into());
        }
        let mut found = User::from_name(text).map_err(refused)?;
        let number = text.parse().ok().map(Uid::from_raw);
        if let (None, Some(uid)) = (&found, number) {
            found = User::from_uid(uid).map_err(refused)?;
        }
        match (found, number) {
            (Some(user), _) => Ok(user.into()),
            (None, Some(uid)) => Ok(Self {
                uid,
                gid: Gid::from_raw(uid.as_raw()),
                name: None,
                member_of: None,
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

    /// Returns the number of the user's main group.
    pub fn gid(&self) -> u32 {
        self.gid.as_raw()
    }
}

impl From<User> for UserId {
    fn from(user: User) -> Self {
        Self {
            uid: user.uid,
            gid: user.gid,
            name: Some(user.name),
            member_of: None,
        }
    }
}

impl From<Account> for UserId {
    fn from(account: Account) -> Self {
        let member_of = account.member_of.into_iter().map(Gid::from_raw);
        Self {
            uid: Uid::from_raw(account.uid),
            gid: Gid::from_raw(account.gid),
            name: Some(account.name),
            member_of: Some(member_of.collect()),
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
        if let Some(gid) = accounts::find_group(text) {
            return Ok(Self(Gid::from_raw(gid)));
        }
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
    /// user (after which nothing more can be changed), then a check of the real, effective and
    /// saved ids, and that root can't be had back. Open sockets and files stay open.
    ///
    /// A process that is that user and group already may lack the power to set supplementary
    /// groups (a container without capabilities, a user namespace); it keeps those it has.
    ///
    /// # Errors
    ///
    /// When a step is refused. The process is half-way then and must end.
    pub fn assume(&self) -> Result<(), PrivilegeError> {
        let uid = self.user.as_ref().map(|user| user.uid);
        let gid = self
            .group
            .map(|group| group.0)
            .or(self.user.as_ref().map(|user| user.gid));
        self.set_groups(uid, gid)?;
        if let Some(folder) = &self.chroot {
            enter(folder)?;
        }
        if let Some(gid) = gid {
            unistd::setgid(gid).map_err(refuse(format!("cannot become group {gid}")))?;
        }
        if let Some(uid) = uid {
            unistd::setuid(uid).map_err(refuse(format!("cannot become user {uid}")))?;
        }
        verify(uid, gid)
    }

    fn set_groups(&self, uid: Option<Uid>, gid: Option<Gid>) -> Result<(), PrivilegeError> {
        let Some(gid) = gid else {
            return Ok(());
        };
        let user = self.user.as_ref();
        let named = user.and_then(|user| user.name.as_deref());
        let known = user.and_then(|user| user.member_of.as_deref());
        let done = match (known, named) {
            (Some(others), _) => unistd::setgroups(&[&[gid], others].concat()),
            (None, Some(name)) => system::init_groups(name, gid),
            (None, None) => unistd::setgroups(&[gid]),
        };
        match done {
            Err(nix::Error::EPERM) if is_already(uid, Some(gid)) => Ok(()),
            done => done.map_err(refuse("cannot set the supplementary groups".to_owned())),
        }
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

fn verify(uid: Option<Uid>, gid: Option<Gid>) -> Result<(), PrivilegeError> {
    let gave_up_root = uid.is_some_and(|uid| !uid.is_root());
    let root_again = gave_up_root && unistd::setuid(Uid::from_raw(0)).is_ok();
    if root_again || !is_already(uid, gid) {
        let what = "the old user or group could be had back".to_owned();
        return Err(PrivilegeError::new(what, nix::Error::EPERM));
    }
    Ok(())
}

/// Tells whether the process is that user and group in all three ways: real, effective, saved.
fn is_already(uid: Option<Uid>, gid: Option<Gid>) -> bool {
    let user = uid.is_none_or(|uid| {
        unistd::getresuid().is_ok_and(|is| [is.real, is.effective, is.saved] == [uid; 3])
    });
    let group = gid.is_none_or(|gid| {
        unistd::getresgid().is_ok_and(|is| [is.real, is.effective, is.saved] == [gid; 3])
    });
    user && group
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
    fn files_say_what_the_system_says() {
        for name in ["root", "nobody", "daemon", "www-data", "mail"] {
            let (Some(account), Ok(Some(user))) =
                (accounts::find_user(name), User::from_name(name))
            else {
                continue;
            };
            assert_eq!(account.uid, user.uid.as_raw());
            assert_eq!(account.gid, user.gid.as_raw());
            let c_name = std::ffi::CString::new(name).unwrap();
            let mut groups = unistd::getgrouplist(&c_name, user.gid).unwrap();
            groups.retain(|gid| *gid != user.gid);
            let member_of: Vec<_> = account.member_of.into_iter().map(Gid::from_raw).collect();
            assert_eq!(member_of, groups);
        }
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
                && unistd::getgid() == nobody.gid
                && unistd::getgroups()
                    .unwrap()
                    .iter()
                    .all(|gid| gid.as_raw() != 0);
            i32::from(!gone)
        });
        assert_eq!(status, 0);
    }

    fn becoming(user: &str) -> Identity {
        Identity {
            user: Some(UserId::find(user).unwrap()),
            ..Identity::default()
        }
    }

    #[test]
    fn number_without_an_entry_does_not_keep_roots_group() {
        if !is_root() {
            return;
        }
        let status = system::in_child(|| {
            becoming("3999999").assume().unwrap();
            let gid = Gid::from_raw(3_999_999);
            let same = is_already(Some(Uid::from_raw(3_999_999)), Some(gid))
                && unistd::getgroups().unwrap() == [gid];
            i32::from(!same)
        });
        assert_eq!(status, 0);
    }

    #[test]
    fn who_is_that_user_already_needs_no_powers() {
        if !is_root() {
            return;
        }
        let status = system::in_child(|| {
            becoming("nobody").assume().unwrap();
            i32::from(becoming("nobody").assume().is_err() || becoming("daemon").assume().is_ok())
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
