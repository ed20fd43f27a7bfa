//! Services as real processes would run them: on TCP.

use std::{io, net::TcpListener};

use lab::{
    designs,
    serve::{ServeRealOptions, ServiceKind, serve_real},
};

#[test]
fn a_taken_port_is_the_systems_own_error() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = taken.local_addr().expect("it is bound").port();
    let design = designs::resolve("v0.1.0").expect("built in").design;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for options in [
        ServeRealOptions { port: Some(port), ..ServeRealOptions::default() },
        ServeRealOptions { port: Some(0), admin_port: Some(port), ..ServeRealOptions::default() },
    ] {
        let error = runtime
            .block_on(serve_real(ServiceKind::OrderApi, design.clone(), options, std::future::pending()))
            .expect_err("the port is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
