//! The paths that the service has, for counting requests by route and for saying what a stray one may have meant.

use crate::scenario::nearest;

/// Every route of the contract: methods and path.
pub(super) const ROUTES: [(&[&str], &str); 12] = [
    (&["POST"], "/v1/responses"),
    (&["GET", "DELETE"], "/v1/responses/{id}"),
    (&["POST"], "/v1/responses/{id}/cancel"),
    (&["GET"], "/v1/responses/{id}/input_items"),
    (&["POST"], "/v1/responses/input_tokens"),
    (&["POST"], "/v1/responses/compact"),
    (&["GET"], "/v1/models"),
    (&["GET"], "/v1/models/{id}"),
    (&["POST"], "/v1/conversations"),
    (&["GET", "POST", "DELETE"], "/v1/conversations/{id}"),
    (&["GET", "POST"], "/v1/conversations/{id}/items"),
    (&["GET", "DELETE"], "/v1/conversations/{id}/items/{item}"),
];

/// The route of what the service does not have.
pub(super) const NOWHERE: &str = "none";

/// The path of the route that a request takes, without its method; [`NOWHERE`] if there is none.
pub(super) fn route_of(method: &str, path: &str) -> &'static str {
    let found = ROUTES
        .iter()
        .filter(|(methods, pattern)| methods.contains(&method) && fits(pattern, path));
    // Of several the one with more words of its own: it has no braces where the other has some.
    found
        .min_by_key(|(_, pattern)| pattern.matches('{').count())
        .map_or(NOWHERE, |(_, pattern)| pattern)
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    pattern.split('/').all(|word| {
        parts
            .next()
            .is_some_and(|part| word == part || (word.starts_with('{') && !part.is_empty()))
    }) && parts.next().is_none()
}

/// What the sender of a request may have meant that takes no route.
pub(super) fn hint_for(method: &str, path: &str) -> Option<String> {
    let of_path = |path: &str| ROUTES.iter().find(|(_, pattern)| fits(pattern, path));
    if let Some((methods, pattern)) = of_path(path) {
        return Some(format!("{pattern} takes {}, not {method}", methods.join(", ")));
    }
    let tidy = path.trim_end_matches('/');
    let versioned = format!("/v1{tidy}");
    for candidate in [tidy, &versioned] {
        if let Some((methods, _)) = of_path(candidate) {
            return Some(format!("did you mean {} {candidate}?", methods.join(" or ")));
        }
    }
    if path.starts_with("/v1/v1/") {
        return Some("the base URL ends in /v1, and the path begins with it once more".to_owned());
    }
    // The nearest pattern, where every word that stands for an id is taken from the path.
    let filled: Vec<(String, &[&str])> = ROUTES
        .iter()
        .map(|(methods, pattern)| (filled(pattern, tidy), *methods))
        .collect();
    let meant = nearest(tidy, filled.iter().map(|(path, _)| path.as_str()))?;
    let (_, methods) = filled.iter().find(|(path, _)| path == meant)?;
    Some(format!("did you mean {} {meant}?", methods.join(" or ")))
}

fn filled(pattern: &str, path: &str) -> String {
    let mut parts = path.split('/');
    let words = pattern.split('/').map(|word| match parts.next() {
        Some(part) if word.starts_with('{') && !part.is_empty() => part,
        _ => word,
    });
    words.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_found_by_method_and_path() {
        for (method, path, route) in [
            ("POST", "/v1/responses", "/v1/responses"),
            ("GET", "/v1/responses", NOWHERE),
            ("GET", "/v1/responses/resp_1", "/v1/responses/{id}"),
            ("POST", "/v1/responses/compact", "/v1/responses/compact"),
            ("POST", "/v1/responses/x/cancel", "/v1/responses/{id}/cancel"),
            ("GET", "/v1/responses/", NOWHERE),
        ] {
            assert_eq!(route_of(method, path), route, "{method} {path}");
        }
    }

    #[test]
    fn strays_are_told_the_nearest_route() {
        for (method, path, hint) in [
            ("GET", "/v1/responses", "/v1/responses takes POST, not GET"),
            ("POST", "/responses", "did you mean POST /v1/responses?"),
            ("POST", "/v1/responses/", "did you mean POST /v1/responses?"),
            ("POST", "/v1/reponses", "did you mean POST /v1/responses?"),
            (
                "POST",
                "/v1/responses/r1/cancle",
                "did you mean POST /v1/responses/r1/cancel?",
            ),
            (
                "POST",
                "/v1/v1/responses",
                "the base URL ends in /v1, and the path begins with it once more",
            ),
        ] {
            assert_eq!(hint_for(method, path).as_deref(), Some(hint), "{method} {path}");
        }
        assert_eq!(hint_for("GET", "/favicon.ico"), None);
    }
}
