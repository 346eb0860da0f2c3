//! A client of our own: it starts the provider as Terraform does, and calls what Terraform never would.

use std::time::Duration;

use hyper_util::rt::TokioIo;
use rmpv::Value;
use s3tate_provider::proto::plugin::grpc_controller_client::GrpcControllerClient;
use s3tate_provider::proto::tfplugin6::provider_client::ProviderClient;
use s3tate_provider::proto::tfplugin6::{
    Diagnostic, DynamicValue, configure_provider, read_data_source, validate_data_resource_config,
};
use s3tate_testkit::{Client, Endpoint, Run, Running, Workdir, wait_for};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Uri};

use crate::stage::executable;

/// Longest wait for the provider to say something or to end.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// The largest message that the client takes.
const MESSAGE_BYTES: usize = 300 << 20;
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A provider that this test has started, and its connection.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) running: Running,
    pub(crate) workdir: Workdir,
    pub(crate) handshake: Vec<String>,
    pub(crate) runtime: Runtime,
    channel: Channel,
}

/// The provider's executable with the variables that every client sets, and those of the endpoint.
pub(crate) fn provider(endpoint: &Endpoint) -> Client {
    let client = Client::new(executable(), endpoint);
    client.env("TF_PLUGIN_MAGIC_COOKIE", COOKIE).env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
}

/// Starts it and waits for its first line.
pub(crate) fn announced(run: Run) -> (Running, Vec<String>) {
    let running = run.start();
    let line = wait_for("the handshake", LIMIT, || {
        let said = running.stdout_so_far();
        said.split_once('\n').map(|(line, _)| line.to_owned())
    });
    let fields = line.split('|').map(str::to_owned).collect();
    (running, fields)
}

impl Raw {
    /// Starts a provider for this endpoint and connects to it.
    pub(crate) fn start(endpoint: &Endpoint) -> Self {
        Self::start_as(&provider(endpoint))
    }

    /// The same with other variables.
    pub(crate) fn start_as(provider: &Client) -> Self {
        let workdir = Workdir::new();
        let (running, handshake) = announced(provider.command(&workdir, &[]));
        let runtime = Runtime::new().expect("a runtime");
        let channel = runtime.block_on(connect(&handshake[2], &handshake[3]));
        Self { running, workdir, handshake, runtime, channel }
    }

    /// The provider's own service.
    pub(crate) fn provider(&self) -> ProviderClient<Channel> {
        let client = ProviderClient::new(self.channel.clone());
        client.max_decoding_message_size(MESSAGE_BYTES).max_encoding_message_size(MESSAGE_BYTES)
    }

    /// The connection, for other services.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Asks for the end.
    pub(crate) fn shut_down(&self) {
        let mut controller = GrpcControllerClient::new(self.channel.clone());
        let _answer = self.runtime.block_on(controller.shutdown(())).expect("it answers first");
    }

    /// Gives the provider its configuration.
    pub(crate) fn configure(&self, config: &Value) -> Vec<Diagnostic> {
        let request = configure_provider::Request {
            terraform_version: "1.11.4".to_owned(),
            config: Some(encoded(config)),
            ..Default::default()
        };
        let answer = self.runtime.block_on(self.provider().configure_provider(request));
        answer.expect("an answer").into_inner().diagnostics
    }

    /// Reads a data source.
    pub(crate) fn read(&self, type_name: &str, config: &Value) -> (Option<Value>, Vec<Diagnostic>) {
        self.runtime.block_on(read(self.provider(), type_name, config.clone()))
    }

    /// Checks a data source.
    pub(crate) fn validate(&self, type_name: &str, config: &Value) -> Vec<Diagnostic> {
        let request = validate_data_resource_config::Request {
            type_name: type_name.to_owned(),
            config: Some(encoded(config)),
        };
        let answer = self.runtime.block_on(self.provider().validate_data_resource_config(request));
        answer.expect("an answer").into_inner().diagnostics
    }
}

/// Reads a data source.
pub(crate) async fn read(
    mut provider: ProviderClient<Channel>,
    type_name: &str,
    config: Value,
) -> (Option<Value>, Vec<Diagnostic>) {
    let request = read_data_source::Request {
        type_name: type_name.to_owned(),
        config: Some(encoded(&config)),
        ..Default::default()
    };
    let answer = provider.read_data_source(request).await.expect("an answer").into_inner();
    (answer.state.as_ref().map(decoded), answer.diagnostics)
}

async fn connect(network: &str, address: &str) -> Channel {
    let (is_unix, address) = (network == "unix", address.to_owned());
    let connector = tower::service_fn(move |_: Uri| {
        let address = address.clone();
        async move {
            let stream: Box<dyn Io> = if is_unix {
                Box::new(UnixStream::connect(address).await?)
            } else {
                Box::new(TcpStream::connect(address).await?)
            };
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        }
    });
    let endpoint = tonic::transport::Endpoint::from_static("http://localhost");
    endpoint.connect_with_connector(connector).await.expect("the provider takes connections")
}

/// Any two-way stream.
pub(crate) trait Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Io for T {}

/// A data source that reads the state at a key of an endpoint's bucket.
pub(crate) fn remote_state(endpoint: &Endpoint, key: &str) -> Value {
    object([("config", config(endpoint, key, &[]))])
}

/// The arguments of an endpoint's backend, and more.
pub(crate) fn config(endpoint: &Endpoint, key: &str, more: &[(&str, &str)]) -> Value {
    let own = [("bucket", endpoint.store().bucket()), ("key", key), ("use_path_style", "true")];
    texts(&[&own, more].concat())
}

/// A value as clients send it.
pub(crate) fn encoded(value: &Value) -> DynamicValue {
    let mut msgpack = Vec::new();
    rmpv::encode::write_value(&mut msgpack, value).expect("memory takes it");
    DynamicValue { msgpack, json: Vec::new() }
}

/// A value as the provider sent it.
pub(crate) fn decoded(value: &DynamicValue) -> Value {
    rmpv::decode::read_value(&mut value.msgpack.as_slice()).expect("msgpack")
}

/// An unknown value.
pub(crate) fn unknown() -> Value {
    Value::Ext(0, vec![0])
}

/// An object with these members.
pub(crate) fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// An object of texts where any type may stand.
pub(crate) fn texts(members: &[(&str, &str)]) -> Value {
    let types: Vec<_> = members.iter().map(|(name, _)| format!("\"{name}\":\"string\"")).collect();
    let ty = format!("[\"object\",{{{}}}]", types.join(","));
    dynamic(&ty, object(members.iter().map(|(name, value)| (*name, Value::from(*value)))))
}

/// A value with its type, where any type may stand.
pub(crate) fn dynamic(ty: &str, value: Value) -> Value {
    Value::Array(vec![Value::Binary(ty.as_bytes().to_vec()), value])
}

/// A member of an object.
pub(crate) fn member<'a>(object: &'a Value, name: &str) -> &'a Value {
    let members = object.as_map().expect("an object");
    &members.iter().find(|(known, _)| known.as_str() == Some(name)).expect("it has this member").1
}

/// All that diagnostics say.
pub(crate) fn said(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|told| format!("{}\n{}", told.summary, told.detail)).collect::<Vec<_>>().join("\n")
}

/// Where a diagnostic points to, such as `config.key` or `only[1]`.
pub(crate) fn place(diagnostic: &Diagnostic) -> String {
    use s3tate_provider::proto::tfplugin6::attribute_path::step::Selector;
    let steps = diagnostic.attribute.iter().flat_map(|path| &path.steps);
    let text = steps.filter_map(|step| step.selector.as_ref()).map(|step| match step {
        Selector::AttributeName(name) | Selector::ElementKeyString(name) => format!(".{name}"),
        Selector::ElementKeyInt(index) => format!("[{index}]"),
    });
    text.collect::<String>().trim_start_matches('.').to_owned()
}

/// The outputs of a data source that was read, without their types.
pub(crate) fn outputs(state: &Value) -> Value {
    member(state, "outputs").as_array().expect("a typed value")[1].clone()
}
