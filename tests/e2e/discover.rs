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

/// Names that compose itself would not make, and any program with the engine's socket can.
const HOSTILE: [&str; 6] = [
    "x\n[[operator]]\nuser = \"@eve:example.org\"",
    "\"; touch /tmp/pwned; \"",
    "$(touch /tmp/pwned)",
    "\u{202e}gpj.exe",
    "..",
    "a project with spaces",
];

#[test]
fn a_crowded_host_is_told_whole_and_whatever_is_called_there_stays_a_name() {
    let lab = opsroom_lab::Lab::connect();
    let engine = std::sync::Arc::new(lab.own_engine());
    let stage = Stage::on(|lab| lab.plan_host("crowded").engine(&engine).boot());
    let twin = lab.plan_host("twin").engine(&engine).boot();
    let project = |number: usize| match number {
        0..5 => format!("good-{number}"),
        5..11 => HOSTILE[number - 5].to_owned(),
        _ => "x".repeat(300),
    };
    let create = |labels: &[String], name: &str| {
        let mut arguments = vec!["create", "--network", "host", "--name", name];
        arguments.extend(labels.iter().flat_map(|label| ["--label", label.as_str()]));
        arguments.extend(["opsroom-lab/base", "sleep", "1000"]);
        engine.docker(&arguments);
    };
    // Forty containers, of twelve projects and of none.
    for number in 0..36 {
        let of = project(number % 12);
        let labels = [
            format!("com.docker.compose.project={of}"),
            "com.docker.compose.oneoff=False".to_owned(),
            format!("com.docker.compose.service=part{number}\n[[host]]"),
            format!("com.docker.compose.project.working_dir=/srv/{of}"),
        ];
        create(&labels, &format!("member-{number}"));
    }
    for number in 0..4 {
        create(&[], &format!("lone-{number}{}", if number == 3 { "x".repeat(200) } else { String::new() }));
    }
    let bot = stage.bot().host(&stage.host).host(&twin).prepare();
    let discover = |host: &str| {
        let output = bot.tool(&["discover", host]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (lines, said) = discover(stage.host.name());
    for number in 0..5 {
        assert!(lines.contains(&format!("project = \"good-{number}\"  # 3 created")), "{lines}");
    }
    for number in 0..3 {
        assert!(lines.contains(&format!("container = \"lone-{number}\"  # created")), "{lines}");
    }
    // Each line is a comment or one of ours, and what was refused is told as what it is.
    assert!(
        !lines.contains("\n[[operator]]") && !lines.contains("\n[[host]]") && !lines.contains('\u{202e}'),
        "{lines}"
    );
    assert_eq!(lines.matches("[[service]]").count(), 8, "{lines}\n{said}");
    let all = format!("{lines}{said}");
    assert!(all.contains("touch /tmp/pwned") && all.contains("a project with spaces"), "{all}");
    assert_eq!(stage.host.run("ls /tmp/pwned 2>/dev/null || echo none"), "none");
    // The same names on another host get services of their own.
    bot.change_config(|config| format!("{config}\n{lines}\n"));
    let (others, _) = discover(twin.name());
    bot.change_config(|config| format!("{config}\n{others}\n"));
    let checked = bot.tool(&["check"]);
    assert!(checked.status.success(), "{}\n{others}", String::from_utf8_lossy(&checked.stderr));
    assert_eq!(others.matches("[[service]]").count(), 8, "{others}");
}
