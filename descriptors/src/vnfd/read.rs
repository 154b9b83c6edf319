//! From service templates to a [`Vnfd`]: finding the VNF node, its flavours, and what they share
//! (SOL001 clause 6.11: a top-level template with one template per deployment flavour, or a single template).

use std::collections::BTreeMap;

use super::model::{Flavour, ModifiableAttributes, Vnfd};
use super::{check_scaling, read_flavour, read_lcm, read_policies};
use crate::archive::Package;
use crate::codes;
use crate::diag::{Diagnostics, Pos, Sink};
use crate::network::read::{declaration, merged, undeclared};
use crate::network::{Declaration, monitoring_parameters};
use crate::sol006;
use crate::tosca::fields::{Fields, is_settled};
use crate::tosca::function::Scope;
use crate::tosca::{Bundle, NodeTemplate, PropertyDef, Schema, Topology, TypeKind, load, owner, required, validate};
use crate::yaml::{Entry, Node};

pub(super) const VNF: &str = "tosca.nodes.nfv.VNF";

/// Properties that the reader asks for itself.
const KNOWN: [&str; 8] = [
    "descriptor_id",
    "descriptor_version",
    "provider",
    "product_name",
    "software_version",
    "vnfm_info",
    "flavour_id",
    "flavour_description",
];

/// Reads the VNFD of a package, whether it is one of SOL001 or of SOL006.
///
/// # Errors
/// Every fault that forbids using it, together with the warnings, each with file, line and mend.
pub fn read_vnfd(package: &Package) -> Result<Vnfd, Diagnostics> {
    if let Some(read) = sol006::package::vnfd(package) {
        return read;
    }
    let mut sink = Sink::new();
    let vnfd = load(package, &mut sink).and_then(|bundle| {
        validate(package, &bundle, &[VNF], &mut sink);
        Reader { package, bundle: &bundle, sink: &mut sink }.read()
    });
    let failed = sink.has_errors();
    let found = sink.finish();
    match vnfd {
        Some(mut vnfd) if !failed => {
            vnfd.warnings = found;
            Ok(vnfd)
        }
        _ => Err(found),
    }
}

struct Reader<'a> {
    package: &'a Package,
    bundle: &'a Bundle,
    sink: &'a mut Sink,
}

/// A template that describes a flavour.
struct FlavourSource<'a> {
    path: &'a str,
    topology: &'a Topology,
    /// Its VNF node, where it has one.
    vnf: Option<&'a NodeTemplate>,
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Option<Vnfd> {
        let sources = self.flavour_sources();
        let main = self.bundle.templates.first()?;
        let top = main.topology.as_ref().and_then(|t| self.vnf_node(t).map(|n| (t, n)));
        let mapped = sources.iter().find_map(|s| {
            let node_type = s.topology.substitution.as_ref()?.get("node_type")?;
            Some((node_type.text()?.to_owned(), node_type.at))
        });
        let node_type = match (&top, &mapped, sources.iter().find_map(|s| s.vnf)) {
            (Some((_, node)), _, _) => node.type_name.clone(),
            (None, Some((name, _)), _) => name.clone(),
            (None, None, Some(node)) => node.type_name.clone(),
            (None, None, None) => {
                let at = main.topology.as_ref().map(|t| t.at);
                self.sink.error_mend(
                    &codes::NO_VNF,
                    at,
                    format!("`{}` describes no VNF: no node template derives from `{VNF}`", main.path),
                    format!("define a node type derived from `{VNF}` and a node template of it"),
                );
                // What can be said about the rest is still said.
                VNF.to_owned()
            }
        };
        let shared = self.shared_properties(&node_type, top, &sources);
        let at = top.map(|(_, n)| n.at).or(mapped.map(|(_, at)| at)).or(main.topology.as_ref().map(|t| t.at))?;
        let mut vnfd = self.descriptor(&node_type, &shared, at);
        let nodes: Vec<_> = sources.iter().filter_map(|s| s.vnf).chain(top.map(|(_, n)| n)).collect();
        let given = |name: &str| shared.contains_key(name) || nodes.iter().any(|n| n.properties.get(name).is_some());
        required(self.bundle, &node_type, (&format!("VNF `{node_type}`"), at), &KNOWN, &given, self.sink);
        vnfd.service_template = main.extra.clone();
        self.selects_flavour(top, &sources);
        for source in &sources {
            let flavour = self.flavour(&node_type, &shared, source);
            if let Some(earlier) = vnfd.flavour(&flavour.id) {
                let message = format!("two templates describe the deployment flavour `{}`", earlier.id);
                self.sink.error_mend(
                    &codes::FLAVOUR_ID,
                    source.topology.at,
                    message,
                    "give each `substitution_mappings` its own `flavour_id`",
                );
                continue;
            }
            vnfd.flavours.push(flavour);
        }
        if sources.is_empty() {
            let holder = self.bundle.templates.iter().find(|t| t.topology.as_ref().is_some_and(has_vdus));
            let place = holder.and_then(|t| t.topology.as_ref()).map_or(at, |t| t.at);
            self.sink.error_mend(
                &codes::FLAVOUR_ID,
                place,
                "the VNFD has no deployment flavour: no template has `substitution_mappings` for the VNF's node type",
                "add `substitution_mappings` with `node_type` and `properties: { flavour_id: … }` to the template \
                 with the VDUs, and import it from the main template",
            );
        }
        Some(vnfd)
    }

    /// A main template apart from its flavours must say how one of them is selected.
    fn selects_flavour(&mut self, top: Option<(&'a Topology, &'a NodeTemplate)>, sources: &[FlavourSource<'a>]) {
        let Some((topology, node)) = top else { return };
        let apart = !sources.iter().any(|s| std::ptr::eq(s.topology, topology));
        if apart && !sources.is_empty() && node.properties.get("flavour_id").is_none() {
            self.sink.error_mend(
                &codes::FLAVOUR_ID,
                node.at,
                format!("`{}` does not say how its deployment flavour is selected", node.name),
                "declare the input `selected_flavour` and write `flavour_id: { get_input: selected_flavour }`",
            );
        }
    }

    fn is_vnf(&self, type_name: &str) -> bool {
        self.bundle.types.is_a(TypeKind::Node, type_name, VNF)
    }

    fn vnf_node(&self, topology: &'a Topology) -> Option<&'a NodeTemplate> {
        owner(self.bundle, topology, &[VNF])
    }

    fn flavour_sources(&mut self) -> Vec<FlavourSource<'a>> {
        let mut sources = Vec::new();
        for template in &self.bundle.templates {
            let Some(topology) = &template.topology else { continue };
            let Some(mapping) = &topology.substitution else { continue };
            let Some(node_type) = mapping.get("node_type") else {
                self.sink.error_mend(
                    &codes::SUBSTITUTION,
                    mapping.at,
                    "`substitution_mappings` names no `node_type`",
                    "add `node_type: <the VNF's node type>`",
                );
                continue;
            };
            let name = node_type.text().unwrap_or_default();
            if self.bundle.types.get(TypeKind::Node, name).is_none() {
                self.bundle.types.unknown(TypeKind::Node, name, node_type.at, self.sink);
            } else if self.is_vnf(name) {
                let vnf = self.vnf_node(topology);
                sources.push(FlavourSource { path: &template.path, topology, vnf });
            }
        }
        // A single template without a mapping still describes one flavour.
        let main = self.bundle.templates.first();
        if let (true, Some(main), Some(topology)) = (sources.is_empty(), main, main.and_then(|m| m.topology.as_ref()))
            && has_vdus(topology)
        {
            self.sink.warn(
                &codes::SUBSTITUTION,
                topology.at,
                "the template has no `substitution_mappings`; it is read as the only deployment flavour",
                "add `substitution_mappings` with the VNF's node type and its `flavour_id`",
            );
            sources.push(FlavourSource { path: &main.path, topology, vnf: self.vnf_node(topology) });
        }
        sources
    }

    /// Properties of the VNF that hold for all flavours: the type's defaults, under what flavours say, under the top.
    fn shared_properties(
        &mut self,
        node_type: &str,
        top: Option<(&'a Topology, &'a NodeTemplate)>,
        sources: &[FlavourSource<'a>],
    ) -> BTreeMap<String, Entry> {
        let mut shared: BTreeMap<String, Entry> = BTreeMap::new();
        for (name, def) in self.bundle.types.properties(TypeKind::Node, node_type).iter() {
            if let Some(default) = &def.default {
                let entry = Entry { key: name.clone(), key_at: default.at, value: default.clone() };
                shared.insert(name.clone(), entry);
            }
        }
        let flavour_nodes = sources.iter().rev().filter_map(|s| Some((s.topology, s.vnf?)));
        for (topology, node) in flavour_nodes.chain(top) {
            let scope = Scope::new(topology, &self.bundle.types);
            for entry in node.properties.each() {
                let value = scope.eval(&entry.value, Some(node));
                if is_settled(&value) && !value.is_null() {
                    shared.insert(entry.key.clone(), Entry { value, ..entry.clone() });
                }
            }
        }
        shared
    }

    fn descriptor(&mut self, node_type: &str, shared: &BTreeMap<String, Entry>, at: Pos) -> Vnfd {
        let all = Node::map(at, shared.values().cloned().collect());
        let fields = Fields::new(&all, format!("VNF `{node_type}`"), at);
        let mut hushed = Sink::new();
        // Without a VNF at all, telling each of its properties missing would only bury that.
        let sink = if node_type == VNF { &mut hushed } else { &mut *self.sink };
        let mut vnfd = Vnfd {
            descriptor_id: fields.need_text("descriptor_id", sink),
            descriptor_version: fields.need_text("descriptor_version", sink),
            ext_invariant_id: fields.text("ext_invariant_id", sink),
            provider: fields.need_text("provider", sink),
            product_name: fields.need_text("product_name", sink),
            software_version: fields.need_text("software_version", sink),
            product_info_name: fields.text("product_info_name", sink),
            product_info_description: fields.text("product_info_description", sink),
            vnfm_info: fields.texts("vnfm_info", sink),
            localization_languages: fields.texts("localization_languages", sink),
            default_localization_language: fields.text("default_localization_language", sink),
            node_type: node_type.to_owned(),
            ..Vnfd::default()
        };
        if fields.get("vnfm_info").is_none() {
            sink.warn(
                &codes::PROPERTY_MISSING,
                at,
                "the required property `vnfm_info` is missing; any VNFM is taken to fit",
                "add for example `vnfm_info: [ \"etsivnfm:v3.3.1\" ]`",
            );
        }
        if let Some(node) = fields.get("descriptor_id")
            && !is_uuid(&vnfd.descriptor_id)
        {
            sink.warn(
                &codes::NOT_A_UUID,
                node.at,
                format!("the descriptor identifier `{}` is not a UUID", vnfd.descriptor_id),
                "take a new UUID and keep it",
            );
        }
        // Read per flavour, or declared by types.
        let configurable = fields.get("configurable_properties");
        let modifiable = fields.get("modifiable_attributes");
        fields.get("flavour_id");
        fields.get("flavour_description");
        fields.get("vnf_profile");
        vnfd.lcm_operations = read_lcm::read(&fields.sub("lcm_operations_configuration"), sink);
        vnfd.monitoring = monitoring_parameters(&fields, "monitoring_parameters", sink);
        vnfd.extra = fields.rest();
        vnfd.attributes = self.attributes(node_type);
        (vnfd.configurable_properties.standard, vnfd.configurable_properties.additional) =
            self.declared(node_type, ["configurable_properties", "additional_configurable_properties"], configurable);
        vnfd.modifiable_attributes = ModifiableAttributes {
            extensions: self.declared(node_type, ["modifiable_attributes", "extensions"], modifiable).1,
            metadata: self.declared(node_type, ["modifiable_attributes", "metadata"], modifiable).1,
        };
        vnfd
    }

    /// The attributes that the package's own types declare for the VNF.
    fn attributes(&self, node_type: &str) -> Vec<Declaration> {
        let types = &self.bundle.types;
        let standard = types.section(TypeKind::Node, VNF, "attributes");
        let all = types.section(TypeKind::Node, node_type, "attributes");
        let own = all.iter().filter(|(name, _)| !standard.contains_key(*name));
        own.map(|(name, body)| Declaration {
            name: name.clone(),
            value_type: Schema::read(body).type_name,
            entry_schema: body.get("entry_schema").map(Node::to_json).unwrap_or_default(),
            required: false,
            default: body.get("default").map(Node::to_json),
            description: body.get("description").and_then(Node::text).map(str::to_owned),
            constraints: body.get("constraints").map(Node::to_json).unwrap_or_default(),
        })
        .collect()
    }

    /// What the data type of a property of the VNF declares, and what the data type of one of its members does.
    fn declared(&self, node_type: &str, path: [&str; 2], given: Option<&Node>) -> (Vec<Declaration>, Vec<Declaration>) {
        let types = &self.bundle.types;
        let [outer, inner] = path;
        let list = |type_name: &str, skip: &str, given: Option<&Node>| -> Vec<Declaration> {
            let declared = types.properties(TypeKind::Data, type_name);
            let mut found: Vec<Declaration> = declared
                .values()
                .filter(|d| d.name != skip)
                .map(|d: &PropertyDef| declaration(d, given.and_then(|g| g.get(&d.name))))
                .collect();
            // Values of properties that no type declares are kept too.
            for entry in given.iter().flat_map(|g| g.each()) {
                if entry.key != skip && !declared.contains_key(&entry.key) {
                    found.push(undeclared(entry));
                }
            }
            found
        };
        let properties = types.properties(TypeKind::Node, node_type);
        // The base types alone only say what a VNF's own type could support.
        let base = ["tosca.datatypes.nfv.VnfConfigurableProperties", "tosca.datatypes.nfv.VnfInfoModifiableAttributes"];
        let supported = |d: &&PropertyDef| given.is_some() || !base.contains(&d.schema.type_name.as_str());
        let Some(def) = properties.get(outer).filter(supported) else {
            let inner_given = given.and_then(|g| g.get(inner));
            return (list("", inner, given), list("", "", inner_given));
        };
        let members = types.properties(TypeKind::Data, &def.schema.type_name);
        let inner_type = members.get(inner).map(|d| d.schema.type_name.clone()).unwrap_or_default();
        let given = given.or(def.default.as_ref());
        (list(&def.schema.type_name, inner, given), list(&inner_type, "", given.and_then(|g| g.get(inner))))
    }

    fn flavour(&mut self, node_type: &str, shared: &BTreeMap<String, Entry>, source: &FlavourSource<'a>) -> Flavour {
        let mapping = source.topology.substitution.as_ref();
        let mapped_id = source.topology.mapped_flavour();
        let own_id = source.vnf.and_then(|n| n.properties.get("flavour_id")).filter(|n| is_settled(n));
        // A default shared by several flavours names none of them; without a mapping there is only one.
        let default_id = shared.get("flavour_id").map(|e| &e.value).filter(|_| mapping.is_none());
        let id = mapped_id.or(own_id).or(default_id).and_then(Node::text).unwrap_or_default().to_owned();
        if id.is_empty() {
            self.sink.error_mend(
                &codes::FLAVOUR_ID,
                mapping.map_or(source.topology.at, |m| m.at),
                format!("the deployment flavour in `{}` has no identifier", source.path),
                "add `properties: { flavour_id: <identifier> }` to `substitution_mappings`",
            );
        }
        let mut scope = Scope::new(source.topology, &self.bundle.types);
        scope.inputs = shared.iter().map(|(k, e)| (k.clone(), e.value.clone())).collect();
        scope.inputs.insert("flavour_id".to_owned(), Node::text_value(source.topology.at, id.clone()));
        scope.owner = source.vnf.map(|n| n.name.clone());
        let mut flavour = Flavour { id, ..Flavour::default() };
        if let Some(vnf) = source.vnf {
            let properties = scope.eval(&vnf.properties, Some(vnf));
            let fields = Fields::new(&properties, format!("VNF `{}`", vnf.name), vnf.at);
            flavour.description = fields.text("flavour_description", self.sink).unwrap_or_default();
            flavour.vnf_profile = fields.json("vnf_profile");
            flavour.artifacts = crate::network::read::artifacts(self.package, &self.bundle.types, vnf);
            flavour.interfaces =
                crate::network::interfaces(self.package, &self.bundle.types, vnf, &flavour.artifacts, self.sink);
        }
        if flavour.description.is_empty() {
            let text = shared.get("flavour_description").and_then(|e| e.value.text());
            flavour.description = text.unwrap_or_default().to_owned();
        }
        read_flavour::read(
            &mut read_flavour::Context {
                package: self.package,
                bundle: self.bundle,
                topology: source.topology,
                scope: &scope,
                vnf_type: node_type,
                sink: self.sink,
            },
            &mut flavour,
        );
        flavour.inputs = scope.open_inputs();
        flavour.template_extra = source.topology.extra.clone();
        // The main file's own words stand with the whole descriptor.
        let file = self.bundle.templates.iter().skip(1).find(|t| t.path == source.path);
        if let Some(file) = file.filter(|f| !f.extra.is_null()) {
            let own = serde_json::json!({ "service_template": file.extra });
            flavour.template_extra = merged(flavour.template_extra.take(), own);
        }
        scope.tell(self.sink);
        check_scaling::check(&flavour, source.topology, &self.bundle.types, self.sink);
        let own_id = shared.get("descriptor_id").and_then(|e| e.value.text()).unwrap_or_default();
        read_policies::check(&flavour, own_id, source.topology, self.sink);
        flavour
    }
}

fn has_vdus(topology: &Topology) -> bool {
    topology.nodes.iter().any(|n| n.type_name.contains("Vdu."))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_hexdigit()))
}
