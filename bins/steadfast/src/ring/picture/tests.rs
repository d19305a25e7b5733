use std::collections::BTreeSet;

use super::super::options::Rules;
use super::*;
use crate::ring::difference;

fn target(text: &str) -> Target {
    Target::of_text(text, None, None, &Rules::default()).unwrap()
}

fn assert_whole(svg: &str) {
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    // Nothing is loaded from elsewhere: the one address is the name of the format.
    assert_eq!(svg.matches("http").count(), 1);
    assert!(svg.contains("prefers-color-scheme:dark"));
}

#[test]
fn every_layout_can_be_drawn() {
    let mut drawn = BTreeSet::new();
    for dialect in steadfast_ring::Dialect::all() {
        // The hash makes another ring, but no other kind of one.
        let name = dialect.to_string();
        if !drawn.insert(name.split('-').next().unwrap().to_owned()) {
            continue;
        }
        let one = target(&format!("{dialect}=a:1"));
        let more = target(&format!("{dialect}=a:1,b:2,c:3"));
        assert_whole(&of_shares(&one));
        assert_whole(&of_shares(&more));
        let moves = difference::moves(&one, &more);
        let svg = of_moves(&one, &more, &moves);
        assert_whole(&svg);
        assert!(svg.contains("a:1 → b:2"), "{dialect}");
    }
}

#[test]
fn large_rings_make_small_pictures() {
    let nodes: Vec<String> = (0..1000)
        .map(|index| format!("10.0.0.1:{}", index + 1))
        .collect();
    let svg = of_shares(&target(&format!(
        "libmemcached:compatible-md5={}",
        nodes.join(",")
    )));
    assert_whole(&svg);
    assert!(svg.len() < 1 << 20, "{} bytes", svg.len());
    assert!(svg.contains("and 976 nodes more"));
}

#[test]
fn names_cannot_become_marks() {
    let svg = of_shares(&target("pecl-memcache:consistent-crc32=a<b&c>:1,b:2"));
    assert!(svg.contains("a&lt;b&amp;c&gt;:1"));
}
