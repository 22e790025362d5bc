//! The catalog as a whole: the MAX files, and what is refused.

use http::Method;

use super::*;

#[test]
fn m_the_max_catalog_loads() {
    let r = Catalog::from_yaml(include_str!("../../resources.yaml"), include_str!("../../defaults.yaml"));
    let c = r.unwrap();
    assert_eq!(c.routes().count(), 75);
    assert_eq!(c.operation("addComment").unwrap().1.method, Method::POST);
    assert!(Catalog::from_yaml(&c.to_yaml().unwrap().0, &c.to_yaml().unwrap().1).is_ok());
    println!("{}", c.to_yaml().unwrap().0);
}
