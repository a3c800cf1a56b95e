//! Devices, tokens and keys: kept over restarts, replaced when they are dead.

use std::{fs, os::unix::fs::PermissionsExt};

use opsroom::matrix::{Login, Notice};
use opsroom_lab::{Lab, Speaker, containing, wait::PATIENCE, wait_until};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    bot::Bot,
    proxy::{Mood, Proxy},
};

#[test]
fn a_device_dropped_by_the_homeserver_is_replaced_and_signed_again() {
    let lab = Lab::connect();
    let homeserver = lab.homeserver();
    let admin = homeserver.admin_token();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&homeserver).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));
    let old = bot.device();
    let key = fs::read_to_string(bot.recovery_key_file()).expect("a recovery key");
    assert_eq!(fs::metadata(bot.recovery_key_file()).expect("a file").permissions().mode() & 0o777, 0o600);

    let path = format!("/_synapse/admin/v2/users/{}/devices/{old}", bot.user());
    homeserver.call("DELETE", &path, Some(&admin), &json!({})).expect("the device is deleted");
    // A sync that the homeserver holds back is not told: it ends first.
    wait_until(PATIENCE * 2, "a new device", || {
        bot.notices().iter().any(|notice| matches!(notice, Notice::DeviceReplaced { .. })).then_some(())
    });
    let new = wait_until(PATIENCE, "a signed device", || {
        alice.sees_devices_of(&bot).into_iter().find(|(_, signed)| *signed).map(|(device, _)| device)
    });
    assert_ne!(new, old);
    let command = alice.says(&room, "after");
    bot.hears(&command);
    let answer = bot.answers(&room, &command, "here again");
    assert!(room.reads(&alice).until(&answer, containing("here again")).device_signed);
    assert_eq!(fs::read_to_string(bot.recovery_key_file()).expect("a recovery key"), key, "the same identity");
    let kept = fs::read_dir(bot.state_dir()).expect("a directory").flatten();
    assert_eq!(kept.filter(|entry| entry.file_name().to_string_lossy().starts_with("matrix.old-")).count(), 1);

    bot.stops();
    bot.starts();
    bot.hears(&alice.says(&room, "and again"));
    assert_eq!(bot.device(), new);
    assert_eq!(bot.heard(), ["before", "after", "and again"]);
}

#[test]
fn a_device_whose_keys_were_lost_is_replaced() {
    let lab = Lab::connect();
    let homeserver = lab.homeserver();
    let admin = homeserver.admin_token();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&homeserver).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));
    bot.stops();

    // The trap: logged out hard, then in again at the same device. All looks well, and no key is there any more.
    let old = bot.device();
    let path = format!("/_synapse/admin/v2/users/{}/devices/{old}", bot.user());
    homeserver.call("DELETE", &path, Some(&admin), &json!({})).expect("the device is deleted");
    let login = json!({
        "type": "m.login.password", "password": bot.password(), "device_id": old,
        "identifier": { "type": "m.id.user", "user": bot.user() },
    });
    let session = homeserver.call("POST", "/_matrix/client/v3/login", None, &login).expect("a login");
    bot.changes_session(|saved| {
        saved["access_token"] = session["access_token"].clone();
        saved["refresh_token"] = Value::Null;
    });

    bot.starts();
    let new = wait_until(PATIENCE, "a signed device", || {
        alice.sees_devices_of(&bot).into_iter().find(|(_, signed)| *signed).map(|(device, _)| device)
    });
    assert_ne!(new, old);
    bot.hears(&alice.says(&room, "after"));
}

#[test]
fn an_expired_access_token_is_refreshed_and_the_new_ones_are_kept() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));
    let (device, refresh) = (bot.device(), bot.session()["refresh_token"].clone());
    assert!(refresh.is_string());
    bot.stops();

    bot.changes_session(|saved| saved["access_token"] = json!("syt_expired"));
    bot.starts();
    bot.hears(&alice.says(&room, "after"));
    assert_eq!(bot.device(), device);
    assert_ne!(bot.session()["refresh_token"], refresh);
    bot.stops();
    bot.starts();
    bot.hears(&alice.says(&room, "again"));
    assert_eq!(alice.sees_devices_of(&bot), [(device, true)].into());
}

#[test]
fn a_bot_with_only_a_token_works_until_the_token_dies_and_then_says_so() {
    let lab = Lab::connect();
    let homeserver = lab.homeserver();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&homeserver).room(&room).operator(&alice);
    let login = json!({
        "type": "m.login.password", "password": bot.password(),
        "identifier": { "type": "m.id.user", "user": bot.user() },
    });
    let session = homeserver.call("POST", "/_matrix/client/v3/login", None, &login).expect("a login");
    let token = session["access_token"].as_str().expect("a token").to_owned();
    bot.settings.login = Login::AccessToken(SecretString::from(token.clone()));
    bot.starts();
    bot.listens();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));
    assert_eq!(bot.device(), session["device_id"].as_str().expect("a device"));

    homeserver.call("POST", "/_matrix/client/v3/logout", Some(&token), &json!({})).expect("a logout");
    let ended = wait_until(PATIENCE, "the bot to end", || bot.ended()).expect_err("an error");
    assert!(ended.contains("is not valid (any more) and no password is configured"), "{ended}");
    assert!(!ended.contains(&token));
    assert!(bot.state_dir().join("matrix/session.json").exists(), "nothing is given up for a dead token");
}

#[test]
fn what_is_wrong_with_the_credentials_is_said_at_once() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice);

    let right = bot.settings.login.clone();
    bot.settings.login = Login::Password(SecretString::from("wrong"));
    let refused = bot.try_start().expect_err("a wrong password");
    assert!(refused.contains("does not let") && refused.contains("Invalid"), "{refused}");

    bot.settings.login = right;
    bot.starts();
    bot.listens();
    bot.stops();
    bot.settings.passphrase = SecretString::from("another passphrase");
    let refused = bot.try_start().expect_err("a wrong passphrase");
    assert!(refused.contains("was the store passphrase changed?"), "{refused}");
}

#[test]
fn a_lost_recovery_key_file_is_made_anew_and_still_opens_the_account() {
    let lab = Lab::connect();
    let homeserver = lab.homeserver();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&homeserver).room(&room).operator(&alice).start();
    alice.waits_for_member(&room, &bot);
    let first = fs::read_to_string(bot.recovery_key_file()).expect("a key");
    bot.stops();
    fs::remove_file(bot.recovery_key_file()).expect("it was there");
    bot.starts();
    bot.hears(&alice.says(&room, "hello"));
    let second = fs::read_to_string(bot.recovery_key_file()).expect("a key");
    assert_ne!(first, second);
    bot.stops();

    fs::remove_dir_all(bot.state_dir().join("matrix")).expect("a state");
    bot.starts();
    bot.listens();
    bot.hears(&alice.says(&room, "from a new device"));
    let devices = alice.sees_devices_of(&bot);
    assert!(devices[&bot.device()], "signed with the recovered keys: {devices:?}");
}

#[test]
fn after_a_soft_logout_the_same_device_logs_in_again() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let proxy = Proxy::to(lab.homeserver().url());
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice);
    bot.settings.homeserver = proxy.url.parse().expect("a URL");
    bot.starts();
    bot.listens();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "before"));
    let (device, token) = (bot.device(), bot.session()["access_token"].clone());

    proxy.is(Mood::SoftLogout);
    // The long-poll that is open may still bring this one.
    alice.says(&room, "between");
    wait_until(PATIENCE, "the bot to log in", || (proxy.mood() == Mood::Fair).then_some(()));
    bot.hears(&alice.says(&room, "after"));
    // What else was under way meets a refusal too, and asks for a new token; how many of those there are is chance.
    let refused = proxy.refused();
    assert_eq!(refused.iter().filter(|path| path.ends_with("/sync")).count(), 1, "no hot loop: {refused:?}");
    assert_eq!(bot.device(), device);
    assert_ne!(bot.session()["access_token"], token);
    assert_eq!(alice.sees_devices_of(&bot), [(device, true)].into());
    assert_eq!(bot.heard(), ["before", "between", "after"]);
}

#[test]
fn log_in_makes_a_device_that_a_start_takes_up() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut bot = Bot::new(&lab.homeserver()).room(&room).operator(&alice);
    let device = bot.logs_in().expect("a login");
    assert_eq!(alice.sees_devices_of(&bot), [(device.clone(), true)].into());
    assert_eq!(bot.logs_in(), Ok(device.clone()), "done already");
    bot.starts();
    bot.listens();
    alice.waits_for_member(&room, &bot);
    bot.hears(&alice.says(&room, "hello"));
    assert_eq!(bot.device(), device);
}

#[test]
fn a_token_whose_device_was_used_elsewhere_is_refused() {
    let lab = Lab::connect();
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let mut first = Bot::new(&lab.homeserver()).room(&room).operator(&alice).start();
    first.stops();
    // The same account and token, but the store is gone.
    let token = first.session()["access_token"].as_str().expect("a token").to_owned();
    fs::remove_dir_all(first.state_dir().join("matrix")).expect("a state");
    first.settings.login = Login::AccessToken(SecretString::from(token));
    first.starts();
    let ended = wait_until(PATIENCE, "the bot to end", || first.ended()).expect_err("an error");
    assert!(ended.contains("make a token of a device that nothing else has used"), "{ended}");
}
