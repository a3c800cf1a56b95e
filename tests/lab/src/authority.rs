//! A certificate authority of the lab's own, which nobody trusts who is not told to.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{command, run};
use crate::wait::OrFail as _;

/// The authority, with its key.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
}

/// A certificate and its key, in files.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate, as PEM.
    pub file: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
}

impl Authority {
    /// Makes one that keeps its files in `dir`.
    #[track_caller]
    pub fn make(dir: &Path) -> Self {
        let authority = Self { dir: dir.to_owned() };
        openssl(
            dir,
            "req -x509 -noenc -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2 -subj /CN=lab -keyout ca.key -out ca.pem",
        );
        authority
    }

    /// Its own certificate: what to trust.
    pub fn file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// Signs a server's certificate for a name.
    #[track_caller]
    pub fn certificate(&self, name: &str) -> Certificate {
        let (file, key) = (self.dir.join(format!("{name}.pem")), self.dir.join(format!("{name}.key")));
        let wishes =
            format!("basicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\nsubjectAltName = DNS:{name}\n");
        fs::write(self.dir.join("wishes"), wishes).or_fail("cannot write a certificate's wishes");
        openssl(
            &self.dir,
            &format!(
                "req -noenc -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN={name} -keyout {name}.key -out {name}.csr"
            ),
        );
        openssl(
            &self.dir,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile wishes -out {name}.pem"
            ),
        );
        Certificate { file, key }
    }
}

#[track_caller]
fn openssl(dir: &Path, arguments: &str) {
    run(command("openssl").args(arguments.split_whitespace()).current_dir(dir));
}
