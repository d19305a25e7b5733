//! Apache with mod_php and pecl-memcache, each instance in a directory of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::check::{Failure, Outcome};
use crate::guide;
use crate::process::{self, Process};
use crate::wait::{self, PATIENCE};

/// Where Debian puts Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// A page that prints the request headers as PHP got them.
const HEADERS_PHP: &str = "<?php
header('Content-Type: text/plain');
foreach (getallheaders() as $name => $value)
echo \"$name: $value\\n\";
?>
";

/// One web server of the guide. It can be killed and started again.
#[derive(Debug)]
pub struct Apache {
    name: String,
    address: SocketAddr,
    directory: PathBuf,
    running: Option<Process>,
}

impl Apache {
    /// Lays out the server's files under `parent` and starts it.
    ///
    /// # Errors
    ///
    /// When Apache or mod_php is missing, or does not start.
    pub fn start(
        name: &str,
        address: SocketAddr,
        caches: &[SocketAddr; 2],
        parent: &Path,
    ) -> Outcome<Self> {
        let directory = parent.join(name);
        let (module, version) = php_module()?;
        for folder in ["html", "php", "php.d"] {
            fs::create_dir_all(directory.join(folder))?;
        }
        let write = |path: &str, text: &str| fs::write(directory.join(path), text);
        write("html/session.php", guide::SESSION_PHP)?;
        write("html/headers.php", HEADERS_PHP)?;
        write("php.d/memcache.ini", guide::MEMCACHE_INI)?;
        let machine_s = PathBuf::from(format!("/etc/php/{version}/apache2/php.ini"));
        write("php/php.ini", &guide::php_ini(&machine_s, caches)?)?;
        write("httpd.conf", &httpd_conf(&directory, address, &module))?;
        let mut server = Self {
            name: name.to_owned(),
            address,
            directory,
            running: None,
        };
        server.start_again()?;
        Ok(server)
    }

    /// Starts the server after it was killed.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_again(&mut self) -> Outcome {
        let mut command = Command::new("/usr/sbin/apache2");
        command
            .arg("-DFOREGROUND")
            .arg("-f")
            .arg(self.directory.join("httpd.conf"));
        command.env("PHP_INI_SCAN_DIR", self.directory.join("php.d"));
        let mut process = Process::spawn(&self.name, command, &self.directory)?;
        let address = self.address;
        process
            .wait_ready(|| wait::accepts(address))
            .map_err(|failure| {
                Failure::new(format!("{failure}; {}", process::tail(&self.error_log())))
            })?;
        self.running = Some(process);
        Ok(())
    }

    /// Kills the server and all its children at once, and waits until its address is free.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn kill(&mut self) -> Outcome {
        let process = self.running.take();
        process
            .ok_or_else(|| Failure::new(format!("{} does not run", self.name)))?
            .kill()?;
        // The last child to go takes the listening socket along; until then the system accepts.
        wait::until(&format!("{} to be dead", self.name), PATIENCE, || {
            Ok((!wait::accepts(self.address)).then_some(()))
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs PHP on the command line with this server's configuration.
    ///
    /// # Errors
    ///
    /// When PHP cannot be started or fails.
    pub fn php(&self, arguments: &[&str]) -> Outcome<String> {
        let mut command = Command::new("php");
        command
            .arg("-c")
            .arg(self.directory.join("php"))
            .args(arguments);
        command.env("PHP_INI_SCAN_DIR", self.directory.join("php.d"));
        let finished = process::run(&mut command)?;
        crate::ensure!(
            finished.status.success(),
            "php {arguments:?}: {}",
            finished.stderr
        );
        Ok(finished.stdout)
    }

    /// The end of its error log.
    pub fn errors(&self) -> String {
        process::tail(&self.error_log())
    }

    fn error_log(&self) -> PathBuf {
        self.directory.join("error.log")
    }
}

fn httpd_conf(directory: &Path, address: SocketAddr, php_module: &Path) -> String {
    let directory = directory.display();
    let php_module = php_module.display();
    let server_name = guide::SERVER_NAME;
    format!(
        "ServerRoot {directory}
{server_name}
Listen {address}
PidFile {directory}/apache.pid
DefaultRuntimeDir {directory}
ErrorLog {directory}/error.log
LoadModule mpm_prefork_module {MODULES}/mod_mpm_prefork.so
LoadModule authz_core_module {MODULES}/mod_authz_core.so
LoadModule php_module {php_module}
User www-data
Group www-data
StartServers 2
PHPINIDir {directory}/php
DocumentRoot {directory}/html
<FilesMatch \"\\.php$\">
SetHandler application/x-httpd-php
</FilesMatch>
"
    )
}

/// The module `libphpX.Y.so` and its X.Y.
fn php_module() -> Outcome<(PathBuf, String)> {
    for entry in fs::read_dir(MODULES).map_err(|_| Failure::new("Apache is not installed"))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if let Some(version) = name
            .strip_prefix("libphp")
            .and_then(|n| n.strip_suffix(".so"))
        {
            let version = version.to_owned();
            return Ok((path, version));
        }
    }
    Err(Failure::new(format!(
        "no libphp*.so in {MODULES}: mod_php is not installed"
    )))
}
