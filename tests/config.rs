//! The config as an operator meets it: what is accepted, and what is said
//! about what is not.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use opsroom::{
    config::{self, Credentials, Depth, HostKeys, Identity, Secret, Settings, Surroundings, Transport},
    domain::{
        inventory::{Strategy, UpdatePolicy},
        rights::Rights,
        role::Role,
        room::RoomAddress,
        watch::Policy,
    },
};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

/// The least that is a config: a bot, a room, an operator.
const LEAST: &str = r##"
[matrix]
homeserver = "https://matrix.example.org"
user = "@opsroom:example.org"
[[room]]
id = "#ops:example.org"
[[operator]]
user = "@alice:example.org"
role = "admin"
"##;

fn parse(text: &str) -> Result<Settings, String> {
    parse_with(text, &|_| None)
}

fn parse_with(text: &str, variables: &dyn Fn(&str) -> Option<String>) -> Result<Settings, String> {
    let outside = Surroundings { base: Path::new("/etc/opsroom"), variables, depth: Depth::Text };
    config::parse(text, Path::new("config.toml"), &outside).map_err(|error| {
        assert!(!error.problems.is_empty(), "refused without a reason");
        error.to_string()
    })
}

/// What is said about the least config with something added.
fn complaint(addition: &str) -> String {
    parse(&format!("{LEAST}{addition}")).expect_err("this config is wrong")
}

fn ssh_host(name: &str, more: &str) -> String {
    format!(
        "[[host]]\nname = {name:?}\naddress = \"192.0.2.1\"\nuser = \"ops\"\nkey_file = \"id\"\nhost_key = \"{KEY}\"\n{more}\n"
    )
}

fn example() -> Settings {
    parse(include_str!("../config.example.toml")).expect("the example is a config")
}

#[test]
fn the_example_is_a_config_and_means_what_it_shows() {
    let settings = example();
    assert_eq!(settings.matrix.homeserver.as_str(), "https://matrix.example.org/");
    assert_eq!(settings.state_dir, Path::new("/var/lib/opsroom"));
    assert_eq!(settings.matrix.recovery_key_file, Path::new("/var/lib/opsroom/recovery-key"));
    assert!(matches!(
        &settings.matrix.credentials,
        Some(Credentials::Password(Secret::File(file))) if file == Path::new("/etc/opsroom/matrix-password")
    ));
    let roles: Vec<_> = settings.inventory.operators.iter().map(|(user, role)| (user.as_str(), *role)).collect();
    assert_eq!(roles, [("@alice:example.org", Role::Admin), ("@bob:example.org", Role::Viewer)]);
    let names: Vec<_> = settings.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["web-1", "gpu-1", "here"]);
    assert!(matches!(settings.hosts[2].transport, Transport::Local));
    let bridge = &settings.inventory.services[0];
    assert_eq!(bridge.branch.as_str(), "master");
    assert_eq!(bridge.update.verify, Duration::from_secs(30));
    assert_eq!(bridge.stop_timeout, Some(Duration::from_secs(330)));
    assert_eq!(bridge.watch, Policy::default(), "the example shows the defaults");
    let kokoro = &settings.inventory.services[1];
    assert_eq!((kokoro.workload.name(), kokoro.branch.as_str()), ("kokoro", "main"));
    assert_eq!(kokoro.dir, None);
    let Strategy::Command { deploy, undo: Some(undo) } = &kokoro.update.strategy else { panic!("{kokoro:?}") };
    assert_eq!((deploy.as_str(), undo.as_str()), ("./deploy.sh", "./deploy.sh --previous"));
    let shown = UpdatePolicy { verify: Duration::from_secs(10), ..bridge.update.clone() };
    assert_eq!(shown, UpdatePolicy::default(), "the example shows the defaults");
}

#[test]
fn the_defaults_are_those_the_example_shows() {
    let shown = example();
    let bare = parse(&format!("{LEAST}{}", ssh_host("web-1", ""))).unwrap();
    assert_eq!(bare.inventory.commands, shown.inventory.commands);
    assert_eq!(bare.inventory.watch, shown.inventory.watch);
    assert_eq!(bare.state_dir, shown.state_dir);
    assert_eq!((bare.dashboard, shown.dashboard), (true, true));
    assert_eq!(bare.matrix.device_name, "opsroom");
    let [Transport::Ssh(bare), Transport::Ssh(shown)] = [&bare.hosts[0].transport, &shown.hosts[0].transport] else {
        panic!("both are reached over SSH");
    };
    assert_eq!(
        (bare.port, bare.connect_timeout, bare.keepalive, bare.idle_timeout, bare.max_sessions),
        (shown.port, shown.connect_timeout, shown.keepalive, shown.idle_timeout, shown.max_sessions)
    );
}

#[test]
fn a_dashboard_can_be_done_without() {
    let settings = |more: &str| parse(&format!("{LEAST}{more}"));
    assert!(!settings("[dashboard]\nenabled = false\n").unwrap().dashboard);
    insta::assert_snapshot!(complaint("[dashboard]\nenabled = \"no\"\npin = true\n"), @r"
    config invalid: 2 problems
    config.toml:11:11: `enabled` must be true or false, not a string
        write it like: enabled = true
    config.toml:12:1: unknown key `pin` in [dashboard]
        known here: enabled
    ");
}

#[test]
fn a_heartbeat_needs_a_url_that_is_kept_like_a_secret() {
    let settings = |more: &str| parse(&format!("{LEAST}{more}"));
    assert!(settings("").unwrap().heartbeat.is_none());
    let heartbeat = settings("[heartbeat]\nurl_env = \"BEAT\"\n").unwrap().heartbeat.unwrap();
    assert_eq!((heartbeat.url, heartbeat.every), (Secret::Variable("BEAT".into()), Duration::from_secs(60)));
    insta::assert_snapshot!(complaint("[heartbeat]\nurl = \"https://example.org/s3cret\"\nevery = \"1s\"\n"), @r#"
    config invalid: 3 problems
    config.toml:10:1: [heartbeat] lacks `url_file`
        name a file that holds the URL, or a variable with `url_env`
    config.toml:11:1: `url` is a secret and does not belong in the config
        put it in a file only the bot can read, named by `url_file`, or in an environment variable, named by `url_env`
    config.toml:12:9: `every` is out of range: "1s"
        allowed: 10s to 24h; the default is 1m
    "#);
}

#[test]
fn the_example_shows_every_key() {
    let example = include_str!("../config.example.toml");
    assert_eq!(missing_keys(example), [], "config.example.toml does not show these keys of these sections");
    let without = example.replace("idle_timeout", "…");
    assert_eq!(missing_keys(&without), [("[[host]]", "idle_timeout")], "the check above can fail");
}

/// The keys that no line of their section shows, commented out or not.
fn missing_keys(example: &str) -> Vec<(&'static str, &'static str)> {
    let mut shown = Vec::new();
    let mut heading = "";
    for line in example.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        let table = ["service", "host"].into_iter().find_map(|of| Some((of, line.strip_prefix(&format!("[{of}."))?)));
        if let Some((of, key)) = table.and_then(|(of, key)| Some((of, key.strip_suffix(']')?))) {
            shown.push((if of == "host" { "[[host]]" } else { "[[service]]" }, key));
            heading = key;
        } else if line.starts_with('[') {
            heading = line;
        } else if let Some((key, value)) = line.split_once(" = ") {
            shown.push((heading, key));
            let inner = value.trim_start_matches("{ ").split(", ").filter_map(|pair| pair.split_once(" = "));
            shown.extend(inner.map(|(inner, _)| (key, inner)));
        }
    }
    let all = config::schema::ALL.iter().flat_map(|schema| schema.keys.iter().map(|key| (schema.heading, *key)));
    all.filter(|key| !shown.contains(key)).collect()
}

#[test]
fn the_state_directory_is_systemds_when_the_config_names_none() {
    let systemd = |name: &str| (name == "STATE_DIRECTORY").then(|| "/var/lib/private/ops:/var/lib/other".to_owned());
    assert_eq!(parse_with(LEAST, &systemd).unwrap().state_dir, Path::new("/var/lib/private/ops"));
    let named = format!("{LEAST}[state]\ndir = \"here\"\n");
    assert_eq!(parse_with(&named, &systemd).unwrap().state_dir, Path::new("/etc/opsroom/here"));
}

#[test]
fn secrets_and_hosts_may_be_given_in_their_other_forms() {
    let text = LEAST.replace("[[room]]", "access_token_env = \"TOKEN\"\nstore_passphrase_file = \"pass\"\n[[room]]")
        + "[[room]]\nid = \"!opaque\"\n"
        + &*format!(
            "[[host]]\nname = \"a\"\naddress = \"2001:db8::1\"\nuser = \"ops\"\nagent_socket = \"/run/agent\"\nhost_key = [\"{KEY}\", \"{KEY} two\"]\n"
        )
        + "[[host]]\nname = \"b\"\naddress = \"b\"\nuser = \"ops\"\nagent = true\nknown_hosts_file = \"known\"\njump = \"a\"\n";
    let settings = parse(&text).unwrap();
    assert!(
        matches!(&settings.matrix.credentials, Some(Credentials::AccessToken(Secret::Variable(name))) if name == "TOKEN")
    );
    assert_eq!(settings.matrix.store_passphrase, Some(Secret::File("/etc/opsroom/pass".into())));
    assert!(matches!(&settings.rooms[1].address, RoomAddress::Id(id) if id.as_str() == "!opaque"));
    let [Transport::Ssh(a), Transport::Ssh(b)] = [&settings.hosts[0].transport, &settings.hosts[1].transport] else {
        panic!("both are reached over SSH");
    };
    assert!(matches!(&a.identity, Identity::Agent { socket: Some(socket) } if socket == Path::new("/run/agent")));
    assert!(matches!(&b.identity, Identity::Agent { socket: None }));
    assert!(matches!(&a.host_keys, HostKeys::Pinned(keys) if keys.len() == 2 && keys[0].as_str() == KEY));
    assert!(matches!(&b.host_keys, HostKeys::KnownHosts(file) if file == Path::new("/etc/opsroom/known")));
    assert_eq!(b.jump.as_ref().map(|jump| jump.as_str()), Some("a"));
}

#[test]
fn an_empty_file_is_told_what_a_config_needs() {
    insta::assert_snapshot!(parse("").unwrap_err(), @r"
    config invalid: 3 problems
    config.toml:1:1: there is no [matrix]
        add it with the bot's `homeserver` and `user`
    config.toml:1:1: there is no room
        add a [[room]] with its `id`; the bot listens nowhere else
    config.toml:1:1: there is no operator
        add an [[operator]] with `user` and `role`; nobody else is listened to
    ");
}

#[test]
fn all_syntax_errors_are_reported_with_their_places() {
    insta::assert_snapshot!(parse("[matrix]\nuser = \nuser = \"a\"\nx = \"\n[[host]\n").unwrap_err(), @r#"
    config invalid: 4 problems
    config.toml:2:8: this is not TOML: string values must be quoted, expected literal string
    config.toml:3:1: this is not TOML: duplicate key
    config.toml:4:6: this is not TOML: invalid basic string, expected `"`
    config.toml:5:8: this is not TOML: unclosed array table, expected `]`
    "#);
}

#[test]
fn unknown_keys_are_all_reported_with_the_nearest_known_one() {
    insta::assert_snapshot!(
        complaint(
            "verbose = true\n[[hosts]]\nname = \"a\"\n[wach]\n[[host]]\nname = \"b\"\ntransport = \"local\"\nadress = \"x\"\ntags = []\nxyzzy = 1\n[[service]]\nname = \"s\"\nhost = \"b\"\ndir = \"/srv/s\"\nupdate = { time_out = \"1m\" }\n"
        ),
        @r"
        config invalid: 7 problems
        config.toml:10:1: unknown key `verbose` in [[operator]]
            known here: user, role
        config.toml:11:3: unknown section `[[hosts]]`
            did you mean `[[host]]`?
        config.toml:13:2: unknown section `[wach]`
            did you mean `[watch]`?
        config.toml:17:1: unknown key `adress` in [[host]]
            did you mean `address`?
        config.toml:18:1: unknown key `tags` in [[host]]
            it belongs to [[service]]
        config.toml:19:1: unknown key `xyzzy` in [[host]]
            known here: name, transport, address, port, user, key_file, key_passphrase_file, key_passphrase_env, agent, agent_socket, host_key, known_hosts_file, jump, any_of, connect_timeout, keepalive, idle_timeout, max_sessions, discover
        config.toml:24:12: unknown key `time_out` in update
            did you mean `timeout`?
        "
    );
    insta::assert_snapshot!(parse(&format!("debug = 1\n{LEAST}")).unwrap_err(), @r"
    config invalid: 1 problem
    config.toml:1:1: unknown key `debug` before the first section
        known here: matrix, state, commands, dashboard, heartbeat, watch, maintenance, room, operator, host, service
    ");
}

#[test]
fn secrets_in_the_config_are_refused_and_not_repeated() {
    let text = LEAST.replace("[[room]]", "password = \"hunter2\"\naccess_token = \"hunter2\"\nrecovery_key = \"hunter2\"\nuserr = \"hunter2\"\npassword_file = [\"hunter2\"]\n[[room]]");
    let said = parse(&text).unwrap_err();
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said, @r#"
    config invalid: 5 problems
    config.toml:5:1: `password` is a secret and does not belong in the config
        put it in a file only the bot can read, named by `password_file`, or in an environment variable, named by `password_env`
    config.toml:6:1: `access_token` is a secret and does not belong in the config
        put it in a file only the bot can read, named by `access_token_file`, or in an environment variable, named by `access_token_env`
    config.toml:7:1: `recovery_key` is a secret and does not belong in the config
        put it in a file only the bot can read, named by `recovery_key_file`
    config.toml:8:1: unknown key `userr` in [matrix]
        did you mean `user`?
    config.toml:9:17: `password_file` must be a string, not an array
        write it like: password_file = "…"
    "#);
    let said = parse(&LEAST.replace("[[room]]", "password_env = \"hunter2\"\n[[room]]")).unwrap_err();
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said, @r"
    config invalid: 1 problem
    config.toml:5:16: `password_env` is not the name of a variable
        give a name in capitals, like OPSROOM_PASSWORD; the secret itself is the variable's value
    ");
    let said = parse(&LEAST.replace("https://", "https://me:hunter2@")).unwrap_err();
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said, @r"
    config invalid: 1 problem
    config.toml:3:14: `homeserver` holds a login
        leave out what stands before the `@`: the bot logs in as `user`
    ");
}

#[test]
fn names_given_twice_are_shown_with_both_lines() {
    let host = ssh_host("a", "");
    insta::assert_snapshot!(
        complaint(&format!(
            "[[operator]]\nuser = \"@alice:example.org\"\nrole = \"viewer\"\n[[room]]\nid = \"#ops:example.org\"\n{host}{host}[[service]]\nname = \"s\"\nhost = \"a\"\n[[service]]\nname = \"s\"\nhost = \"a\"\n[[service]]\nname = \"t\"\nhost = \"a\"\ncontainer = \"s\"\n"
        )),
        @r##"
        config invalid: 5 problems
        config.toml:11:8: operator "@alice:example.org" is given twice
            it is on line 8 already: change or drop one of them
        config.toml:14:6: room "#ops:example.org" is given twice
            it is on line 6 already: change or drop one of them
        config.toml:23:8: host "a" is given twice
            it is on line 16 already: change or drop one of them
        config.toml:33:8: service "s" is given twice
            it is on line 30 already: change or drop one of them
        config.toml:38:13: container "s" on a has two services
            "s" on line 30 has it already; one of them is wrong
        "##
    );
}

#[test]
fn references_that_lead_nowhere_or_in_a_circle_are_reported() {
    let hosts = ["web-1", "web-2", "web-3"].map(|name| {
        let next = format!("web-{}", name[4..].parse::<u8>().unwrap() % 3 + 1);
        ssh_host(name, &format!("jump = {next:?}"))
    });
    insta::assert_snapshot!(
        complaint(&format!(
            "{}{}{}{}[[host]]\nname = \"here\"\ntransport = \"local\"\n[[service]]\nname = \"s\"\nhost = \"wbe-1\"\n[[service]]\nname = \"t\"\nhost = \"elsewhere\"\n",
            hosts.concat(),
            ssh_host("self", "jump = \"self\""),
            ssh_host("far", "jump = \"here\""),
            ssh_host("lost", "jump = \"webb-3\""),
        )),
        @r#"
        config invalid: 6 problems
        config.toml:16:8: jump hosts go round in a circle: web-1 → web-2 → web-3 → web-1
            one of them has to be reached directly: drop its `jump`
        config.toml:37:8: jump hosts go round in a circle: self → self
            one of them has to be reached directly: drop its `jump`
        config.toml:44:8: `jump` leads over "here", which is local
            the bot runs there: drop `jump`
        config.toml:51:8: `jump` names a host that is not here: "webb-3"
            did you mean "web-3"?
        config.toml:57:8: `host` names a host that is not here: "wbe-1"
            did you mean "web-1"?
        config.toml:60:8: `host` names a host that is not here: "elsewhere"
            known hosts: web-1, web-2, web-3, self, far, lost, here
        "#
    );
    insta::assert_snapshot!(complaint("[[service]]\nname = \"s\"\nhost = \"a\"\n"), @r#"
    config invalid: 1 problem
    config.toml:12:8: `host` names a host that is not here: "a"
        there is no [[host]] at all
    "#);
}

#[test]
fn hosts_must_prove_themselves_and_so_must_the_bot() {
    let host = |more: &str| format!("[[host]]\nname = \"a\"\naddress = \"192.0.2.1\"\nuser = \"ops\"\n{more}\n");
    insta::assert_snapshot!(complaint(&host("")), @r"
    config invalid: 2 problems
    config.toml:10:1: [[host]] lacks `key_file`
        give the private key's file, or agent = true for a running ssh-agent
    config.toml:10:1: [[host]] lacks `host_key`
        run `ssh-keyscan -t ed25519 192.0.2.1` and paste what follows the address,
        once its fingerprint (`… | ssh-keygen -lf -`) is the one the host itself shows
        (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`); or give `known_hosts_file`
    ");
    insta::assert_snapshot!(
        complaint(&host(&format!(
            "key_file = \"id.pub\"\nagent = true\nkey_passphrase_env = \"P\"\nhost_key = \"{KEY}\"\nknown_hosts_file = \"known\""
        ))),
        @r"
        config invalid: 2 problems
        config.toml:14:12: both `key_file` and an agent are given
            keep one of them
        config.toml:17:12: both `host_key` and `known_hosts_file` are given
            keep one of them
        "
    );
    insta::assert_snapshot!(
        complaint(&host(
            "key_file = \"id.pub\"\nkey_passphrase_env = \"P\"\nkey_passphrase_file = \"p\"\nhost_key = [\"192.0.2.1 ssh-ed25519 AAAA\", \"SHA256:abc\", 5]"
        )),
        @r#"
        config invalid: 5 problems
        config.toml:14:12: `key_file` names the public half of a key
            name the file without .pub
        config.toml:15:22: both `key_passphrase_file` and `key_passphrase_env` are given
            keep one of them
        config.toml:17:13: `host_key` is not a public key
            leave out what stands before the key's kind, so that it begins like ssh-ed25519 AAAA…
        config.toml:17:43: `host_key` is not a public key
            that is a fingerprint: give the whole public key, like ssh-ed25519 AAAA…
        config.toml:17:57: `host_key` must be a string or a list of strings, not an integer
            write it like: host_key = ["…", "…"]
        "#
    );
    insta::assert_snapshot!(
        complaint(&host("agent = true\nkey_passphrase_env = \"P\"\nknown_hosts_file = \"~/.ssh/known_hosts\"")),
        @r#"
        config invalid: 2 problems
        config.toml:15:22: a passphrase is given without `key_file`
            the agent knows it: drop it
        config.toml:16:20: `known_hosts_file` is not expanded by a shell: "~/.ssh/known_hosts"
            write the path out, without `~` and `$`
        "#
    );
}

#[test]
fn values_that_cannot_be_are_reported_with_what_can() {
    insta::assert_snapshot!(
        complaint(
            r#"
[commands]
prefix = "/"
stale_after = 120
[watch]
snapshot_every = "soon"
deaths = 1
window = "0s"
quiet = true
[[host]]
name = "-f"
transport = "shh"
[[host]]
name = "a"
address = "ops@192.0.2.1:22"
port = 99999
user = ""
key_file = "id"
known_hosts_file = "known"
max_sessions = "8"
[[service]]
name = "all"
host = "a"
runtime = "dokcer"
container = "a b"
dir = "srv"
branch = "a..b"
run_as = "0"
tags = ["ok", "not ok", 7]
update = "25m"
[[service]]
name = "t"
host = "a"
dir = "/srv/t"
update = { timeout = "10s", verify = "10s" }
[[service]]
name = "u"
host = "a"
branch = "main"
update = { strategy = "compose-gti", deploy = "x", min_free = -1 }
[[service]]
name = "v"
host = "a"
stop_timeout = 330
update = { strategy = "command" }
"#
        ),
        @r#"
        config invalid: 28 problems
        config.toml:12:10: `prefix` cannot begin a command: "/"
            clients keep what begins with `/` to themselves: use another sign, like "!"
        config.toml:13:15: `stale_after` lacks its unit: 120
            write it like: stale_after = "120s" (or ms, m, h)
        config.toml:15:18: `snapshot_every` is not a length of time: "soon"
            write it like: "90s", "25m" or "1h30m"
        config.toml:16:10: `deaths` is out of range: 1
            allowed: 2 to 100
        config.toml:17:10: `window` is out of range: "0s"
            allowed: 1s to 24h; the default is 15m
        config.toml:18:9: `quiet` must be a length of time, not a boolean
            write it like: quiet = "1m"
        config.toml:20:8: `name` is not a valid host name: "-f"
            use letters, digits, '.', '_' and '-', starting with a letter or digit, 63 at most
        config.toml:21:13: `transport` is not known: "shh"
            did you mean "ssh"? "ssh" reaches another machine, "local" is the bot's own
        config.toml:24:11: `address` is not an address: "ops@192.0.2.1:22"
            give the login as `user`
        config.toml:25:8: `port` is out of range: 99999
            allowed: 1 to 65535
        config.toml:26:8: `user` is empty
            give a value or drop the key
        config.toml:29:16: `max_sessions` must be a whole number, not a string
            write it like: max_sessions = 8
        config.toml:31:8: a service cannot be called "all"
            in a command, `all` means every service
        config.toml:33:11: `runtime` is not known: "dokcer"
            did you mean "docker"?
        config.toml:34:13: `container` is not a valid container name: "a b"
            use letters, digits, '_', '.' and '-', starting with a letter or digit, 128 at most
        config.toml:35:7: `dir` is not a valid directory: "srv"
            give an absolute path without '..' and without control characters
        config.toml:36:10: `branch` is not a valid branch: "a..b"
            use letters, digits, '.', '_', '-' and '/', starting with a letter or digit, without '..', '//' or a final '/' or '.lock'
        config.toml:37:10: `run_as` is not a valid login name: "0"
            use letters, digits, '_', '-' and '.', starting with a letter or '_', 32 at most
        config.toml:38:15: `tags` is not a valid tag: "not ok"
            use letters, digits, '.', '_' and '-', starting with a letter or digit, 63 at most
        config.toml:38:25: `tags` must be a string or a list of strings, not an integer
            write it like: tags = ["…", "…"]
        config.toml:39:10: `update` must be a table, not a string
            write it like: update = { timeout = …, verify = …, … }
        config.toml:44:38: `verify` is not shorter than `timeout`
            the time it must hold still is part of the update's: make `timeout` longer
        config.toml:48:10: `branch` means nothing without `dir`
            give `dir`, its clone on the host, or drop it
        config.toml:49:10: `update` means nothing without `dir`
            give `dir`, its clone on the host, or drop it
        config.toml:49:23: `strategy` is not known: "compose-gti"
            did you mean "compose-git"?
        config.toml:49:63: `min_free` is out of range: -1
            allowed: 0 to 4294967295
        config.toml:53:16: `stop_timeout` lacks its unit: 330
            write it like: stop_timeout = "330s" (or ms, m, h)
        config.toml:54:23: the strategy "command" lacks its `deploy`
            give `deploy`, the command line that puts the new version in place
        "#
    );
    insta::assert_snapshot!(
        complaint("[[operator]]\nuser = \"alice\"\nrole = \"admin\"\n[[operator]]\nuser = \"@opsroom:example.org\"\nrole = \"amdin\"\n[[operator]]\n[[room]]\nid = \"ops\"\n"),
        @r#"
        config invalid: 6 problems
        config.toml:11:8: `user` is not a valid Matrix user ID: "alice"
            give the full ID, like @alice:example.org
        config.toml:14:8: @opsroom:example.org is the bot itself
            it never listens to itself: name a person
        config.toml:15:8: `role` is not known: "amdin"
            did you mean "admin"? viewer reads, operator changes, admin may do everything
        config.toml:16:1: [[operator]] lacks `user`
            give a full Matrix ID, like @alice:example.org
        config.toml:16:1: [[operator]] lacks `role`
            viewer reads, operator changes, admin may do everything
        config.toml:18:6: `id` is not a valid Matrix room: "ops"
            give an alias like #ops:example.org, or an ID that starts with '!'
        "#
    );
}

#[test]
fn a_host_may_be_any_of_several() {
    let hosts = format!("{}{}", ssh_host("m1", ""), ssh_host("m2", ""));
    let any_of = |lines: &str| format!("{hosts}[[host]]\nname = \"prod\"\n{lines}\n");
    let settings = parse(&format!("{LEAST}{}", any_of("any_of = [\"m2\", \"m1\"]"))).unwrap();
    let prod = settings.inventory.hosts.iter().find(|host| host.name.as_str() == "prod").unwrap();
    assert_eq!(prod.any_of.iter().map(|host| host.as_str()).collect::<Vec<_>>(), ["m2", "m1"]);
    let circle = format!("[[host]]\nname = \"all\"\nany_of = [\"prod\"]\n{}", ssh_host("behind", "jump = \"prod\""));
    insta::assert_snapshot!(complaint(&format!("{}{circle}", any_of("any_of = [\"m1\", \"m3\"]\nuser = \"ops\""))), @r#"
        config invalid: 4 problems
        config.toml:26:17: `any_of` names a host that is not here: "m3"
            known hosts: m1, m2, prod, all, behind
        config.toml:27:8: `user` means nothing with `any_of`
            each of those hosts has its own
        config.toml:30:11: `any_of` names "prod", which is any of several itself
            name hosts that are machines
        config.toml:37:8: `jump` leads over "prod", which is any of several hosts
            name one of them
        "#);
    insta::assert_snapshot!(complaint(&any_of("any_of = []")), @r#"
        config invalid: 1 problem
        config.toml:26:10: `any_of` names no host
            name those that can be asked, or drop it
        "#);
    let own = "[[service]]\nname = \"db\"\nhost = \"prod\"\n";
    insta::assert_snapshot!(complaint(&(any_of("any_of = [\"m1\"]") + own)), @r#"
    config invalid: 1 problem
    config.toml:28:8: "prod" is any of several hosts, and each has services of its own
        name the one of them that it runs on
    "#);
    let service = "[[service]]\nname = \"web\"\nhost = \"prod\"\nruntime = \"swarm\"\nstack = \"shop\"\nservice = \"shop_web\"\ndir = \"/srv\"\n";
    insta::assert_snapshot!(complaint(&(any_of("any_of = [\"m1\"]") + service)), @r#"
        config invalid: 2 problems
        config.toml:32:11: `service` means nothing with `stack`
            a service is all of a stack or one service of the swarm: drop one of them
        config.toml:33:7: `dir` means nothing with the runtime "swarm"
            drop it, or correct `runtime`
        "#);
}

#[test]
fn what_a_runtime_does_not_have_is_reported() {
    let host = ssh_host("a", "");
    let service = |name: &str, lines: &str| format!("{host}[[service]]\nname = {name:?}\nhost = \"a\"\n{lines}\n");
    insta::assert_snapshot!(
        complaint(&service("web", "runtime = \"systemd\"\nscope = \"usr\"\nstop_timeout = \"3s\"\ndir = \"/srv/web\"\nupdate = { strategy = \"compose-pull\", deploy = \"x\" }")),
        @r#"
        config invalid: 3 problems
        config.toml:21:9: `scope` is not known: "usr"
            known: "system", and "user" for a unit of the login's own (systemctl --user)
        config.toml:22:16: `stop_timeout` means nothing with the runtime "systemd"
            drop it, or correct `runtime`
        config.toml:24:23: `strategy` is not one of this runtime's: "compose-pull"
            known: "git", "pull", "command"
        "#
    );
    insta::assert_snapshot!(complaint(&service("web", "runtime = \"podman\"\nscope = \"user\"\ndir = \"/srv/web\"\nupdate = { verify = \"3s\" }")), @r#"
        config invalid: 3 problems
        config.toml:21:9: `scope` means nothing with the runtime "podman"
            drop it, or correct `runtime`
        config.toml:22:7: `dir` means nothing with the runtime "podman"
            drop it, or correct `runtime`
        config.toml:23:10: `update` means nothing with the runtime "podman"
            drop it, or correct `runtime`
        "#);
    insta::assert_snapshot!(complaint(&service("web", "dir = \"/srv/web\"\nupdate = { build = \"make\" }")), @r#"
        config invalid: 1 problem
        config.toml:21:20: `build` means nothing with the strategy "compose-git"
            drop it
        "#);
    // Each login has containers of its own, but the system has its units once.
    let twice = |lines: &str| {
        let of = |name: &str, login: &str| format!("[[service]]\nname = {name:?}\nhost = \"a\"\n{lines}\n{login}\n");
        parse(&format!("{LEAST}{host}{}{}", of("one", ""), of("two", "run_as = \"bridge\"")))
    };
    assert!(twice("runtime = \"podman\"\ncontainer = \"web\"").is_ok());
    assert!(twice("runtime = \"systemd\"\nunit = \"web.service\"\nscope = \"user\"").is_ok());
    assert!(twice("runtime = \"systemd\"\nunit = \"web.service\"").is_err());
}

#[test]
fn brackets_that_are_one_too_many_or_too_few_are_pointed_out() {
    insta::assert_snapshot!(
        parse("[[matrix]]\nuser = \"a\"\n[room]\nid = \"#ops:example.org\"\n[operator]\nuser = \"@a:example.org\"\nrole = \"admin\"\n").unwrap_err(),
        @r"
        config invalid: 3 problems
        config.toml:1:1: there is only one [matrix]
            write [matrix] with single brackets, once
        config.toml:3:1: `[room]` is written with single brackets
            write [[room]]: there may be several
        config.toml:5:1: `[operator]` is written with single brackets
            write [[operator]]: there may be several
        "
    );
}

#[test]
fn a_homeserver_is_reached_in_the_clear_only_on_this_machine() {
    for fine in [
        "https://m.example.org",
        "http://localhost:8008",
        "http://127.0.0.2",
        "http://[::1]:8008",
        "http://m.localhost",
    ] {
        parse(&LEAST.replace("https://matrix.example.org", fine)).expect(fine);
    }
    let said = |url| parse(&LEAST.replace("https://matrix.example.org", url)).unwrap_err();
    insta::assert_snapshot!(said("http://matrix.example.org"), @r#"
    config invalid: 1 problem
    config.toml:3:14: `homeserver` is not encrypted: "http://matrix.example.org"
        use https://; plain http:// is only for a homeserver on this machine (localhost)
    "#);
    insta::assert_snapshot!(said("matrix.example.org"), @r#"
    config invalid: 1 problem
    config.toml:3:14: `homeserver` is not a URL: "matrix.example.org"
        write it like https://matrix.example.org
    "#);
    for wrong in ["http://localhost.example.org", "http://10.0.0.1", "ftp://m.example.org", "localhost:8008"] {
        said(wrong);
    }
}

#[test]
fn files_that_are_named_are_looked_at() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, mode| {
        std::fs::write(dir.path().join(name), "hunter2\n").unwrap();
        std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("config.toml", 0o644);
    write("password", 0o644);
    write("id", 0o600);
    write("recovery-key", 0o604);
    let text = LEAST
        .replace("[[room]]", "password_file = \"password\"\nstore_passphrase_env = \"OPSROOM_NOT_SET\"\n[[room]]")
        + &*ssh_host("a", "")
        + &*ssh_host("b", "").replace("\"id\"", "\"absent\"")
        + "[[host]]\nname = \"c\"\naddress = \"c\"\nuser = \"ops\"\nagent = true\nknown_hosts_file = \"known\"\n[state]\ndir = \".\"\n";
    let file: PathBuf = dir.path().join("config.toml");
    std::fs::write(&file, &text).unwrap();
    config::load(&file, Depth::Text).expect("the text alone is right");
    let outside = Surroundings { base: dir.path(), variables: &|_| None, depth: Depth::Files };
    let said = config::parse(&text, Path::new("config.toml"), &outside).unwrap_err().to_string();
    insta::assert_snapshot!(said.replace(dir.path().to_str().unwrap(), "DIR"), @r"
    config invalid: 6 problems
    config.toml:2:1: the recovery key cannot be used
        DIR/./recovery-key can be read or changed by others (mode 0604): run `chmod 600 DIR/./recovery-key`
    config.toml:5:17: `password_file` cannot be used
        DIR/password can be read or changed by others (mode 0644): run `chmod 600 DIR/password`
    config.toml:6:24: `store_passphrase_env` cannot be used
        the environment variable OPSROOM_NOT_SET is not set: set it, or use the key's `_file` form
    config.toml:23:12: `key_file` cannot be used
        DIR/absent: No such file or directory (os error 2)
    config.toml:30:9: `agent` is asked for, but the environment names none
        start the bot with SSH_AUTH_SOCK, or give `agent_socket`
    config.toml:31:20: `known_hosts_file` is not there: DIR/known
        make it with ssh-keyscan, or pin `host_key` here
    ");
    let said = config::load(&dir.path().join("absent.toml"), Depth::Files).unwrap_err().to_string();
    insta::assert_snapshot!(said.replace(dir.path().to_str().unwrap(), "DIR"), @r"
    config invalid: 1 problem
    DIR/absent.toml: the config cannot be read: No such file or directory (os error 2)
        name it with --config; config.example.toml shows how one looks
    ");
}

#[test]
fn a_service_is_watched_as_it_says_and_else_as_all_are() {
    let service =
        |more: &str| format!("{}[[service]]\nname = \"web\"\nhost = \"web-1\"\n{more}\n", ssh_host("web-1", ""));
    let policy = |text: &str| parse(&format!("{LEAST}{text}")).unwrap().inventory.services[0].watch.clone();
    let all = "[watch]\nquiet = \"5m\"\ndeaths = 4\n";
    let own = policy(&format!("{all}{}", service("watch = { deaths = 2 }\noptional = true")));
    let quiet = Duration::from_secs(300);
    assert_eq!(own, Policy { deaths: 2, quiet, optional: true, ..Policy::default() });
    insta::assert_snapshot!(complaint(&service("watch = { deaths = 20, quite = \"1s\" }")), @r#"
    config invalid: 2 problems
    config.toml:20:20: `window` is too short for 20 deaths: a crashing container starts once a minute
        at least: window = "21m"
    config.toml:20:24: unknown key `quite` in watch
        did you mean `quiet`?
    "#);
}

/// Whatever is left out of or damaged in a config, there is a sentence for it,
/// and never a panic.
#[test]
fn no_single_damage_goes_unexplained() {
    let example = include_str!("../config.example.toml");
    let lines: Vec<_> = example.lines().collect();
    let damaged = |index: usize, line: &str| {
        let mut text: Vec<_> = lines.clone();
        text[index] = line;
        text.join("\n")
    };
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#')) {
        let key = line.split(" = ").next().unwrap();
        for value in ["-1", "true", "\"\"", "\"\\u0000\"", "[[1]]", "{ x = 1 }", "1979-05-27", "\"ü\\n\""] {
            let said = parse(&damaged(index, &format!("{key} = {value}")));
            let flag = ["agent", "enabled", "rollback", "optional"].contains(&key);
            let free_text = flag || (key == "dir" && value.contains('ü'));
            match said {
                Err(said) => assert!(said.contains(":"), "{key} = {value}: {said}"),
                Ok(_) => assert!(free_text || key.ends_with("_file"), "{key} = {value} was accepted"),
            }
        }
        let _ = parse(&damaged(index, ""));
        let _ = parse(&damaged(index, "x"));
    }
}

#[test]
fn maintenance_windows_are_read_by_their_own_clock() {
    let window = "[[maintenance]]\nservices = \"@db\"\ndays = [\"sun\"]\nfrom = \"23:00\"\nto = \"01:30\"\n";
    let settings = parse(&format!("{LEAST}{window}timezone = \"Europe/Berlin\"\n")).unwrap();
    let [read] = &settings.inventory.maintenance[..] else { panic!("one window") };
    // Sunday 23:30 in Berlin is 22:30 UTC in November.
    assert!(read.is_open("2026-11-22T22:30:00Z".parse().unwrap()));
    assert!(!read.is_open("2026-11-22T21:30:00Z".parse().unwrap()));
    let wrong = "[[maintenance]]\nservices = \"a b\"\nfrom = \"3\"\nto = \"04:00\"\n\
                 [[maintenance]]\nservices = \"all\"\ndays = [\"sunday\"]\nfrom = \"25:00\"\nto = \"04:00\"\n\
                 [[maintenance]]\nservices = \"all\"\ndays = [\"sunday\"]\nfrom = \"03:00\"\nto = \"04:00\"\ntimezone = \"Mars\"\n\
                 [[maintenance]]\nservices = \"all\"\ndays = [\"sunday\"]\nfrom = \"03:00\"\nto = \"04:00\"\n";
    insta::assert_snapshot!(complaint(wrong), @r#"
    config invalid: 4 problems
    config.toml:11:12: `services` is no selector: "a b"
        use a name, a glob, "host:", "@tag" or "all"
    config.toml:17:8: `from` is no time of day: "25:00"
        write it like "03:00"
    config.toml:24:12: `timezone` is unknown: "Mars"
        use a name like "Europe/Berlin" or "UTC"
    config.toml:27:9: `days` has no such day: "sunday"
        use "mon", "tue", "wed", "thu", "fri", "sat", "sun"
    "#);
}

#[test]
fn a_name_that_a_phone_ends_with_a_full_stop_is_refused() {
    let wrong = format!("{}[[service]]\nname = \"web.\"\nhost = \"spark-1.\"\n", ssh_host("spark-1.", ""));
    insta::assert_snapshot!(complaint(&wrong), @r#"
    config invalid: 2 problems
    config.toml:11:8: `name` ends with a full stop: "spark-1."
        commands are read without it, because phones put one behind the last word
    config.toml:18:8: `name` ends with a full stop: "web."
        commands are read without it, because phones put one behind the last word
    "#);
}

#[test]
fn what_may_be_found_on_a_host_is_read_whole_or_refused_with_what_can_be() {
    let local = |discover: &str| format!("{LEAST}[[host]]\nname = \"here\"\ntransport = \"local\"\n{discover}");
    let host = |discover: &str| parse(&local(discover)).unwrap().inventory.hosts[0].discover.clone();
    assert_eq!(host(""), None);
    let policy = host("discover = { allow = \"media-*\", may = \"restart\", run_as = \"media\" }").unwrap();
    assert_eq!((policy.rights, policy.gone_after.as_secs(), policy.logins.len()), (Rights::Restart, 600, 1));
    assert_eq!(policy.allow[0].as_str(), "media-*");
    let units = host("discover = { units = [\"app@*.service\"] }").unwrap();
    assert_eq!((units.rights, units.sought.units.len(), units.allow.len()), (Rights::Read, 1, 0));

    let logins = "discover = { allow = \"*\", run_as = [\"ops\", \"a\", \"b\"] }";
    insta::assert_snapshot!(parse(&format!("{LEAST}{}", ssh_host("web", logins))).unwrap_err(), @r#"
        config invalid: 2 problems
        config.toml:16:36: so many logins take up to 12 sessions, and `max_sessions` is 8
            set max_sessions = 12, and MaxSessions 12 in the host's sshd_config; or list fewer
        config.toml:16:37: `run_as` lists "ops", who is the host's `user`
            drop it: what is the SSH user's own is found anyway
        "#);
    insta::assert_snapshot!(parse(&local("[host.discover]\n")).unwrap_err(), @r#"
        config invalid: 1 problem
        config.toml:13:1: `discover` allows nothing
            give `allow`, like ["media-*"], or ["*"] for all; and `units` for units by name
        "#);
    let wrong = "[host.discover]\nallow = [\"a b\", \"$(id)\"]\nmay = \"updat\"\nlabel = \"a b\"\nrun_as = \"a b\"\ngone_after = \"0s\"\nunit = \"x\"\n";
    insta::assert_snapshot!(parse(&local(wrong)).unwrap_err(), @r#"
        config invalid: 7 problems
        config.toml:14:10: `allow` holds what is no pattern: "a b"
            use letters, digits, '.', '_', '@', ':' and '-', with '*', '?' and '[…]' for others
        config.toml:14:17: `allow` holds what is no pattern: "$(id)"
            use letters, digits, '.', '_', '@', ':' and '-', with '*', '?' and '[…]' for others
        config.toml:15:7: `may` is not known: "updat"
            "read" (the default) is to look at it; "restart" is to start and stop it, too;
            to update one, give it a [[service]]: `opsroom discover` prints the lines
        config.toml:16:9: `label` is not a valid label: "a b"
            give the label's key: letters, digits, '.', '_', '-' and '/', starting with a letter or digit, 128 at most
        config.toml:17:10: `run_as` is not a valid login name: "a b"
            use letters, digits, '_', '-' and '.', starting with a letter or '_', 32 at most
        config.toml:18:14: `gone_after` is out of range: "0s"
            allowed: 1s to 24h; the default is 10m
        config.toml:19:1: unknown key `unit` in discover
            did you mean `units`?
        "#);
}
