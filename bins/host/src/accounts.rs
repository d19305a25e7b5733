//! Local users and groups, read from their files.
//!
//! The C library's look-up loads a library for each source that `nsswitch.conf` names, and they stay:
//! systemd's brings the mathematical one along, together half a megabyte that is resident for good.
//! Where no source can know more about a local user than the files do, these are read instead;
//! everybody else is looked up as ever.

use std::fs;

/// A user that the files have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The groups that list the user as a member.
    pub(crate) member_of: Vec<u32>,
}

/// Finds the user called `text`, or else the one with that number.
///
/// `None`: the files have none, or others must be asked, too.
pub(crate) fn find_user(text: &str) -> Option<Account> {
    let sources = fs::read_to_string("/etc/nsswitch.conf").ok()?;
    if !is_local(&sources) {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let groups = fs::read_to_string("/etc/group").ok()?;
    user_in(text, &users, &groups)
}

/// Finds the number of the group called `text`; `None` as for [`find_user`].
pub(crate) fn find_group(text: &str) -> Option<u32> {
    let sources = fs::read_to_string("/etc/nsswitch.conf").ok()?;
    if !is_local(&sources) {
        return None;
    }
    let groups = fs::read_to_string("/etc/group").ok()?;
    let mut found = groups.lines().filter_map(group);
    found
        .find(|group| group.name == text)
        .map(|group| group.gid)
}

/// Tells whether users and groups come from the files, and from systemd, which knows only users of
/// its own making. Whatever else is said there is not understood, and so not local.
fn is_local(sources: &str) -> bool {
    let is_told_once = |database: &&str| lists(sources, database).count() == 1;
    let mut all = ["passwd", "group", "initgroups"].into_iter();
    ["passwd", "group"].iter().all(is_told_once)
        && all.all(|database| lists(sources, database).all(is_local_list))
}

/// The lists of sources for a database.
fn lists<'a>(sources: &'a str, database: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = sources.lines().map(str::trim_start);
    lines.filter_map(move |line| line.strip_prefix(database)?.strip_prefix(':'))
}

fn is_local_list(list: &str) -> bool {
    let list = list.split('#').next().unwrap_or_default();
    let mut words = list.split_whitespace();
    words.next() == Some("files") && words.all(|word| ["files", "systemd"].contains(&word))
}

fn user_in(text: &str, users: &str, groups: &str) -> Option<Account> {
    let mut all = users.lines().filter_map(user);
    let user = all.clone().find(|(name, ..)| *name == text).or_else(|| {
        let number: u32 = text.parse().ok()?;
        all.find(|(_, uid, _)| *uid == number)
    });
    let (name, uid, gid) = user?;
    let member_of = groups
        .lines()
        .filter_map(group)
        .filter(|group| group.members.split(',').any(|member| member == name))
        .map(|group| group.gid);
    Some(Account {
        name: name.to_owned(),
        uid,
        gid,
        member_of: member_of.collect(),
    })
}

/// Reads `name:password:uid:gid:...`.
fn user(line: &str) -> Option<(&str, u32, u32)> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| is_name(name))?;
    let (_, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
    Some((name, uid.parse().ok()?, gid.parse().ok()?))
}

struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// Reads `name:password:gid:member,member`.
fn group(line: &str) -> Option<Group<'_>> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| is_name(name))?;
    let (_, gid) = (fields.next()?, fields.next()?);
    Some(Group {
        name,
        gid: gid.parse().ok()?,
        members: fields.next().unwrap_or_default(),
    })
}

/// Comments, and the signs by which old files include a network's, are no names.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['#', '+', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/bash\n\
        # a comment:x:1:1\n\
        +:x:2:2\n\
        cache:x:101:102:a cache:/nonexistent:/usr/sbin/nologin\n\
        102:x:103:103::/:/bin/sh\n\
        damaged:x:many:1\n\
        cache:x:9:9::/:/bin/sh\n";
    const GROUPS: &str = "root:x:0:\n\
        tls:x:50:web,cache\n\
        caches:x:51:cached\n\
        cache:x:102:\n\
        extra:x:52:cache\n";

    fn account(name: &str, uid: u32, gid: u32, member_of: &[u32]) -> Option<Account> {
        Some(Account {
            name: name.to_owned(),
            uid,
            gid,
            member_of: member_of.to_vec(),
        })
    }

    #[test]
    fn first_user_of_that_name_is_found_and_only_then_one_of_that_number() {
        let find = |text| user_in(text, USERS, GROUPS);
        assert_eq!(find("cache"), account("cache", 101, 102, &[50, 52]));
        assert_eq!(find("101"), find("cache"));
        assert_eq!(find("102"), account("102", 103, 103, &[]));
        for unknown in ["", "cach", "damaged", "+", "# a comment", "1", "104"] {
            assert_eq!(find(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn sources_that_may_know_more_are_asked() {
        for (sources, local) in [
            ("passwd: files systemd\ngroup: files systemd", true),
            (
                "# x\npasswd:\tfiles # y\n group: files\nhosts: files dns",
                true,
            ),
            ("passwd: files\ngroup: files\ninitgroups: files", true),
            ("passwd: files\ngroup: files\ninitgroups: sss files", false),
            ("passwd: sss files\ngroup: files", false),
            ("passwd: files ldap\ngroup: files", false),
            ("passwd: systemd files\ngroup: files", false),
            ("passwd: files [NOTFOUND=return] sss\ngroup: files", false),
            ("passwd: files\npasswd: sss\ngroup: files", false),
            ("passwd: files", false),
            ("passwd:\ngroup: files", false),
            ("", false),
        ] {
            assert_eq!(is_local(sources), local, "{sources}");
        }
    }
}
