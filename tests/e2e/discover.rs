//! `opsroom discover` on a real engine.

use crate::stage::Stage;

#[test]
fn what_runs_on_a_host_is_printed_as_lines_that_a_config_takes() {
    let stage = Stage::set();
    let known = stage.host.project("known").healthy();
    let cloud = stage.host.project("cloud").neighbour("db", "sleep 1000", "no").healthy();
    let lone = stage.lab.unique("lone");
    let run = "docker run -d --network host";
    stage.host.run(&format!("{run} --name {lone} opsroom-lab/base sleep 1000"));
    let hostile = "--label com.docker.compose.project='x\n[[operator]]' --label com.docker.compose.oneoff=False";
    let evil = stage.lab.unique("evil");
    stage.host.run(&format!("{run} --name {evil} {hostile} opsroom-lab/base sleep 1000"));
    let bot = stage.bot().service(&known).prepare();
    let discovered = |host: &str| {
        let output = bot.tool(&["discover", host]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (found, lines, said) = discovered(stage.host.name());
    assert!(found, "{lines}{said}");
    let dir = cloud.dir().display().to_string();
    for expected in [
        format!("project = {:?}  # 2 running", cloud.compose_name()),
        format!("# dir = {dir:?}"),
        format!("container = {lone:?}  # running"),
        // The project of a container that is a service is offered, and that it is one is told.
        format!("# A part of it is the service {} already", known.name()),
    ] {
        assert!(lines.contains(&expected), "no {expected:?} in:\n{lines}");
    }
    assert!(!lines.contains("\n[[operator]]"), "{lines}");
    bot.change_config(|config| format!("{config}\n{lines}\n"));
    let checked = bot.tool(&["check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let (found, lines, _) = discovered(stage.host.name());
    assert!(found && !lines.contains(cloud.compose_name()) && !lines.contains(&lone), "{lines}");
    let (found, _, said) = discovered("nosuch");
    assert!(!found && said.contains("no [[host]] in the config is called \"nosuch\""), "{said}");
    stage.host.run(&format!("docker rm -f {lone} {evil}"));
}
