//! Selectors: how a person names services. `bridge`, `web-*`, `@bots`,
//! `spark-1:` (all on a host), `spark-1:web-*`, `all`.

use globset::{Glob, GlobMatcher};

use super::{
    inventory::{Inventory, Service},
    names::ServiceName,
    subject::Subject,
    suggest,
};

/// A parsed selector.
#[derive(Debug, Clone)]
pub struct Selector {
    written: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    All,
    Tag(String),
    Names { host: Option<GlobMatcher>, service: Option<GlobMatcher> },
}

/// Why a selector selects nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoMatch {
    /// It cannot be read as a selector.
    Malformed {
        /// As it was written.
        written: String,
    },
    /// Nothing is called that.
    Nothing {
        /// As it was written.
        written: String,
        /// The nearest name that exists, in the selector's own form.
        nearest: Option<String>,
    },
}

impl Selector {
    /// Reads one selector.
    pub fn parse(written: &str) -> Result<Self, NoMatch> {
        let malformed = || NoMatch::Malformed { written: written.to_owned() };
        let glob = |text: &str| -> Result<Option<GlobMatcher>, NoMatch> {
            if text.is_empty() {
                return Ok(None);
            }
            let allowed = |c: char| c.is_ascii_alphanumeric() || "._-*?[]{},!".contains(c);
            if !text.chars().all(allowed) || text.len() > 128 {
                return Err(malformed());
            }
            Ok(Some(Glob::new(&text.to_ascii_lowercase()).map_err(|_| malformed())?.compile_matcher()))
        };
        let kind = if written.eq_ignore_ascii_case("all") || written == "*" {
            Kind::All
        } else if let Some(tag) = written.strip_prefix('@') {
            Kind::Tag(tag.to_owned())
        } else if let Some((host, service)) = written.split_once(':') {
            Kind::Names { host: glob(host)?, service: glob(service)? }
        } else {
            Kind::Names { host: None, service: Some(glob(written)?.ok_or_else(malformed)?) }
        };
        Ok(Self { written: written.to_owned(), kind })
    }

    /// As it was written.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    fn matches(&self, service: &Service) -> bool {
        match &self.kind {
            Kind::All => true,
            Kind::Tag(tag) => service.tags.iter().any(|t| t.as_str().eq_ignore_ascii_case(tag)),
            Kind::Names { host, service: name } => {
                let fits = |glob: &Option<GlobMatcher>, text: &str| {
                    glob.as_ref().is_none_or(|glob| glob.is_match(text.to_ascii_lowercase()))
                };
                fits(host, service.host.as_str()) && fits(name, service.name.as_str())
            }
        }
    }
}

/// The services that any of the selectors names, in config order, each once.
/// No selector at all means all. One that names nothing is an error: a typo
/// must not look like an empty, healthy answer.
pub fn select<'a>(selectors: &[Selector], inventory: &'a Inventory) -> Result<Vec<&'a Service>, NoMatch> {
    for selector in selectors {
        // `all` of nothing is nothing; any other name must be somebody's.
        let named = matches!(selector.kind, Kind::All) || inventory.services.iter().any(|s| selector.matches(s));
        if !named {
            return Err(NoMatch::Nothing {
                written: selector.written.clone(),
                nearest: nearest(&selector.written, inventory),
            });
        }
    }
    Ok(inventory
        .services
        .iter()
        .filter(|service| selectors.is_empty() || selectors.iter().any(|s| s.matches(service)))
        .collect())
}

fn nearest(written: &str, inventory: &Inventory) -> Option<String> {
    let services = inventory.services.iter().map(|s| s.name.as_str().to_owned());
    let hosts = inventory.hosts.iter().map(|h| format!("{}:", h.name));
    let tags = inventory.services.iter().flat_map(|s| s.tags.iter().map(|t| format!("@{t}")));
    // A host's bare name is a likely slip: offer it with its colon.
    let bare_host = inventory.hosts.iter().find(|h| h.name.as_str().eq_ignore_ascii_case(written));
    bare_host.map(|h| format!("{}:", h.name)).or_else(|| suggest::nearest(written, services.chain(hosts).chain(tags)))
}

/// The one service somebody means by its name; "spark-1:web" names it as well
/// as "web".
pub fn service(written: &str, inventory: &Inventory) -> Result<ServiceName, NoMatch> {
    let (host, name) = match written.split_once(':') {
        Some((host, name)) => (Some(host), name),
        None => (None, written),
    };
    let found = inventory.services.iter().find(|service| {
        service.name.as_str().eq_ignore_ascii_case(name)
            && host.is_none_or(|host| service.host.as_str().eq_ignore_ascii_case(host))
    });
    found.map(|service| service.name.clone()).ok_or_else(|| NoMatch::Nothing {
        written: written.to_owned(),
        nearest: suggest::nearest(name, inventory.services.iter().map(|s| s.name.as_str())).map(str::to_owned),
    })
}

/// Whether a selector is about this. It is about a host when it is about all
/// of its services.
pub fn covers(written: &str, subject: &Subject, inventory: &Inventory) -> bool {
    let Ok(selector) = Selector::parse(written) else { return false };
    let Ok(services) = select(&[selector], inventory) else { return false };
    match subject {
        Subject::Service(name) => services.iter().any(|service| service.name == *name),
        Subject::Host(host) | Subject::Disk(host) => {
            let on_host = inventory.on_host(host).count();
            on_host > 0 && services.iter().filter(|service| service.host == *host).count() == on_host
        }
    }
}
