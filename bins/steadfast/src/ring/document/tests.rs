use super::*;

fn place_of(value: &Value) -> String {
    value.place.to_string()
}

#[test]
fn the_three_forms_give_the_same_tree_with_places() {
    let json = Text::new("j", "{ // a comment \"\n \"a\": [1, \"two\"] }");
    let yaml = Text::new("y", "# a comment\na: [1, \"two\"]\n");
    let toml = Text::new("t", "# a comment\na = [1, \"two\"]\n");
    let parsed = [
        (parse_json(&json).unwrap(), "j:2:11"),
        (parse_yaml(&yaml).unwrap(), "y:2:8"),
        (parse_toml(&toml).unwrap(), "t:2:9"),
    ];
    for (document, second) in parsed {
        let items = document.get("a").unwrap().list("a").unwrap();
        assert_eq!(items[0].text("item").unwrap(), "1");
        assert_eq!(items[1].text("item").unwrap(), "two");
        assert_eq!(place_of(&items[1]), second);
    }
}

#[test]
fn comments_in_json_keep_their_place_and_texts_their_slashes() {
    let text = Text::new("j", "/* é\n */ {\"a\" /* b */ : \"//no\\\"/*\"}");
    let document = parse_json(&text).unwrap();
    let value = document.get("a").unwrap();
    assert_eq!(value.text("a").unwrap(), "//no\"/*");
    assert_eq!(place_of(value), "j:2:20");
}

#[test]
fn a_comma_may_end_a_list_or_map_of_json_but_not_stand_for_a_value() {
    let parsed = |json: &str| parse_json(&Text::new("j", json));
    let document = parsed("{\"a\": [1, 2, // two\n ], \"b\": \",]\",}").unwrap();
    assert_eq!(document.get("a").unwrap().list("a").unwrap().len(), 2);
    assert_eq!(document.get("b").unwrap().text("b").unwrap(), ",]");
    for wrong in ["[,]", "[1,,]", "{,}", "{\"a\":,}", "[1],"] {
        assert!(parsed(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn damaged_documents_are_told_with_their_place() {
    let fault = |result: Result<Value, Fault>| result.unwrap_err().to_string();
    let json = fault(parse_json(&Text::new("j", "{\n \"a\": [1,,2] }")));
    assert!(json.starts_with("j:2:10: no JSON: "), "{json}");
    let json = fault(parse_json(&Text::new("j", "{\"a\": 1")));
    assert!(json.starts_with("j:1:"), "{json}");
    let yaml = fault(parse_yaml(&Text::new("y", "a:\n  - b\n c: [\n")));
    assert!(yaml.starts_with("y:"), "{yaml}");
    let toml = fault(parse_toml(&Text::new("t", "a = 1\nb = = 2\n")));
    assert!(toml.starts_with("t:2:5: no TOML: "), "{toml}");
}

#[test]
fn a_name_that_stands_twice_is_told() {
    let fault = |result: Result<Value, Fault>| result.unwrap_err().to_string();
    let json = fault(parse_json(&Text::new("j", "{\"a\": 1, \"a\": 2}")));
    assert_eq!(json, "j:1:15: \"a\" stands twice");
    let yaml = fault(parse_yaml(&Text::new("y", "a: 1\na: 2\n")));
    assert_eq!(yaml, "y:2:1: \"a\" stands twice");
    assert!(parse_toml(&Text::new("t", "a = 1\na = 2\n")).is_err());
}

#[test]
fn nesting_has_a_limit() {
    let deep = "[".repeat(10_000);
    assert!(parse_json(&Text::new("j", deep.as_str())).is_err());
    assert!(parse_yaml(&Text::new("y", deep.as_str())).is_err());
    assert!(parse_toml(&Text::new("t", format!("a = {deep}"))).is_err());
}

#[test]
fn aliases_and_second_documents_of_yaml_are_refused() {
    assert!(parse_yaml(&Text::new("y", "a: &x 1\nb: *x\n")).is_err());
    assert!(parse_yaml(&Text::new("y", "a: 1\n---\nb: 1\n")).is_err());
    assert!(parse_yaml(&Text::new("y", "# nothing\n")).is_err());
}
