//! What one section says about another: names given once, references that
//! resolve, jump hosts without a circle.

use std::collections::HashMap;

use super::{
    host::HostDraft,
    problem::{At, Problems},
    service::ServiceDraft,
    settings::{HostSettings, Transport},
    unique::Unique,
};
use crate::domain::{
    inventory::Service,
    names::{HostName, LoginName},
    runtime::Workload,
    suggest::nearest,
};

/// Finishes the hosts that are right; the rest is reported.
pub(super) fn hosts(drafts: Vec<HostDraft<'_>>, problems: &Problems<'_>) -> Vec<HostSettings> {
    let mut known = Unique::new("host");
    for draft in &drafts {
        known.take(draft.name.value.as_str(), draft.name.at, problems);
    }
    let names: Vec<_> = drafts.iter().map(|draft| draft.name.value.clone()).collect();
    let local: Vec<_> = drafts.iter().map(|draft| draft.is_local).collect();
    let several: Vec<_> = drafts.iter().map(|draft| matches!(draft.transport, Some(Transport::AnyOf(_)))).collect();
    let any_of: Vec<Vec<HostName>> = drafts
        .iter()
        .map(|draft| {
            let named = draft.any_of.iter().map(|named| {
                let found = position(&names, "any_of", Some(*named), problems)?;
                if several[found] {
                    let what = format!("`any_of` names {:?}, which is any of several itself", named.value);
                    problems.report(named.at, what, "name hosts that are machines");
                    return None;
                }
                Some(names[found].clone())
            });
            named.collect::<Option<_>>().unwrap_or_default()
        })
        .collect();
    let jumps: Vec<_> = drafts
        .iter()
        .map(|draft| {
            let At { value, at } = draft.jump?;
            let found = position(&names, "jump", draft.jump, problems)?;
            if several[found] {
                let advice = "name one of them";
                problems.report(at, format!("`jump` leads over {value:?}, which is any of several hosts"), advice);
                return None;
            }
            if local[found] {
                let advice = "the bot runs there: drop `jump`";
                problems.report(at, format!("`jump` leads over {value:?}, which is local"), advice);
                return None;
            }
            Some(found)
        })
        .collect();
    report_circles(&drafts, &names, &jumps, problems);
    let jump_names = jumps.into_iter().map(|jump| jump.map(|index| names[index].clone()));
    let resolved = jump_names.zip(any_of);
    drafts.into_iter().zip(resolved).filter_map(|(draft, (jump, any_of))| draft.finish(jump, any_of)).collect()
}

/// Where a referred name is; reports it when it is nowhere.
fn position(names: &[HostName], key: &str, reference: Option<At<&str>>, problems: &Problems<'_>) -> Option<usize> {
    let At { value, at } = reference?;
    let found = names.iter().position(|name| name.as_str() == value);
    if found.is_none() {
        let names: Vec<_> = names.iter().map(HostName::as_str).collect();
        let advice = match nearest(value, &names) {
            Some(near) => format!("did you mean {near:?}?"),
            None if names.is_empty() => "there is no [[host]] at all".to_owned(),
            None => format!("known hosts: {}", names.join(", ")),
        };
        problems.report(at, format!("`{key}` names a host that is not here: {value:?}"), advice);
    }
    found
}

fn report_circles(drafts: &[HostDraft<'_>], names: &[HostName], jumps: &[Option<usize>], problems: &Problems<'_>) {
    let mut reported = vec![false; drafts.len()];
    for start in 0..drafts.len() {
        let mut path = vec![start];
        while let Some(next) = path.last().and_then(|last| jumps[*last]) {
            if let Some(entry) = path.iter().position(|seen| *seen == next) {
                let circle = &path[entry..];
                // Each circle once, at its first host in the file.
                if !circle.iter().any(|member| reported[*member]) {
                    let mut shown: Vec<_> = circle.iter().map(|member| names[*member].as_str()).collect();
                    shown.push(names[next].as_str());
                    let at = drafts[next].jump.map_or(0, |jump| jump.at);
                    let what = format!("jump hosts go round in a circle: {}", shown.join(" → "));
                    problems.report(at, what, "one of them has to be reached directly: drop its `jump`");
                    circle.iter().for_each(|member| reported[*member] = true);
                }
                break;
            }
            path.push(next);
        }
    }
}

/// Finishes the services that are right; the rest is reported.
pub(super) fn services(
    drafts: Vec<ServiceDraft<'_>>,
    hosts: &[HostName],
    finished: &[HostSettings],
    problems: &Problems<'_>,
) -> Vec<Service> {
    let mut known = Unique::new("service");
    let mut workloads: HashMap<(String, Workload, Option<LoginName>), (usize, String)> = HashMap::new();
    let mut services = Vec::new();
    for draft in drafts {
        if let Some(At { value, at }) = draft.name {
            known.take(value, at, problems);
        }
        position(hosts, "host", draft.host, problems);
        let Some(service) = draft.service else { continue };
        let several = |host: &&HostSettings| host.name == service.host && matches!(host.transport, Transport::AnyOf(_));
        if finished.iter().any(|host| several(&host)) && !service.workload.runtime().is_of_several() {
            let what = format!("{:?} is any of several hosts, and each has services of its own", service.host.as_str());
            problems.report(draft.workload_at, what, "name the one of them that it runs on");
        }
        let login = service.run_as.clone().filter(|_| service.workload.is_of_a_login());
        let place = (service.host.to_string(), service.workload.clone(), login);
        if let Some((first, name)) = workloads.get(&place) {
            // One name given twice is reported as that, not twice over.
            if *name != service.name.as_str() {
                let (host, workload, _) = &place;
                let noun = workload.noun();
                let what = format!("{noun} {:?} on {host} has two services", workload.name());
                let advice = format!("{name:?} on line {} has it already; one of them is wrong", problems.line(*first));
                problems.report(draft.workload_at, what, advice);
            }
        } else {
            workloads.insert(place, (draft.workload_at, service.name.to_string()));
        }
        services.push(service);
    }
    services
}
