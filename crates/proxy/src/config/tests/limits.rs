use super::*;

#[test]
fn sizes_are_limited_and_named() {
    let long = format!("#{}\n", "x".repeat(16 * 1024));
    assert_eq!(
        messages(&long),
        ["f:1:1: error: line of 16385 bytes exceeds 16384"]
    );
    let big = "\n".repeat(16 * 1024 * 1024 + 1);
    assert_eq!(
        messages(&big),
        ["f:1:1: error: file of 16777217 bytes exceeds 16777216"]
    );
    let faulty = messages(&"x\n".repeat(5000));
    assert_eq!(faulty.len(), 1001);
    let last = "f:1001:1: error: too many messages; this and later ones are not listed";
    assert_eq!(faulty[1000], last);
    let ranges: String = (0..17)
        .map(|index| format!("listen l{index} 127.0.0.{index}:1-4096\n"))
        .collect();
    let told = messages(&ranges);
    assert_eq!(told[17], "f:17:1: error: more than 65536 listeners");
    let proxies: String = (0..5000)
        .map(|index| format!("backend b{index}\n"))
        .collect();
    assert_eq!(
        messages(&proxies)[0],
        "f:4097:1: error: more than 4096 sections"
    );
}

#[test]
fn an_error_after_many_warnings_is_not_lost() {
    let warnings = "backend b :80\n".to_owned() + &" bind :80\n".repeat(5000);
    let text = format!("{DEFAULTS}{warnings}");
    let told = messages(&text);
    assert_eq!(told.len(), 1001);
    let note = "f:1006:2: warning: too many messages; this and later ones are not listed";
    assert_eq!(told[1000], note);
    let told = messages(&format!("{text} nosuch\n"));
    assert_eq!(told.len(), 1001);
    assert_eq!(told[1000], note.replace("warning", "error"));
}
