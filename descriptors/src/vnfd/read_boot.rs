//! Reading boot data (SOL001 clause 6.2, `tosca.datatypes.nfv.BootData`).

use super::boot::{BootData, ConfigDriveLayout, ContentOrFile};
use super::read_flavour::Context;
use crate::codes;
use crate::tosca::fields::Fields;
use crate::tosca::{NodeTemplate, TypeKind, nearest, package_path};
use crate::yaml::Node;

pub(super) fn boot_data(context: &mut Context<'_, '_>, node: &NodeTemplate) -> Option<BootData> {
    // Read as written, not evaluated: its values may change from instance to instance.
    let given = node.properties.get("boot_data")?;
    if given.entries().is_none() || crate::tosca::function::is_function(given) {
        let content = Some(context.scope.expr(given, Some(node)));
        let data =
            BootData { content: Some(ContentOrFile { content, ..ContentOrFile::default() }), ..BootData::default() };
        return Some(data);
    }
    let fields = Fields::new(given, format!("boot data of `{}`", node.name), given.at);
    let vim = fields.sub("vim_specific_properties");
    let layout = vim.sub("properties").text("config_drive_layout", context.sink);
    let layout_at = vim.get("properties").map_or(vim.at(), |n| n.at);
    let mut data = BootData {
        layout: match layout.as_deref() {
            None | Some("openstack") => ConfigDriveLayout::Openstack,
            Some("nocloud") => ConfigDriveLayout::Nocloud,
            Some(other) => {
                context.sink.error_mend(
                    &codes::BOOT_DATA,
                    layout_at,
                    format!("the config drive layout `{other}` is not known"),
                    "write `openstack` or `nocloud`",
                );
                ConfigDriveLayout::Openstack
            }
        },
        vim_specific: fields.json("vim_specific_properties"),
        ..BootData::default()
    };
    let scope = context.scope;
    let exprs = |map: Option<&Node>| {
        map.iter().flat_map(|m| m.each()).map(|e| (e.key.clone(), scope.expr(&e.value, Some(node)))).collect()
    };
    data.kvp = exprs(fields.sub("kvp_data").get("data"));
    let content = fields.sub("content_or_file_data");
    if content.exists() {
        let source = content.text("source_path", context.sink);
        data.content = Some(ContentOrFile {
            content: content.get("content").map(|c| scope.expr(c, Some(node))),
            source_path: source.map(|path| source_path(context, node, &content, &path)),
            destination_path: content.get("destination_path").map(|p| scope.expr(p, Some(node))),
            data: exprs(content.get("data")),
        });
    }
    data.extra = fields.rest();
    check_properties(context, &data, given);
    Some(data)
}

fn source_path(context: &mut Context<'_, '_>, node: &NodeTemplate, content: &Fields<'_>, path: &str) -> String {
    let reference = path.strip_prefix("file://").unwrap_or(path);
    package_path(context.package, &node.file, reference).unwrap_or_else(|| {
        let at = content.get("source_path").map_or(content.at(), |n| n.at);
        context.sink.error_mend(
            &codes::ARTIFACT_MISSING,
            at,
            format!("the boot data file `{path}` is not in the package"),
            "add the file, or correct the path: it is relative to this file, or to the root of the package",
        );
        path.to_owned()
    })
}

/// Configurable properties that boot data uses must be declared by the VNF's type.
fn check_properties(context: &mut Context<'_, '_>, data: &BootData, given: &Node) {
    let types = &context.bundle.types;
    for path in data.vnf_properties() {
        let mut declared = types.properties(TypeKind::Node, context.vnf_type);
        let mut walked: Vec<&str> = Vec::new();
        for step in &path {
            // Types that declare nothing cannot be checked against.
            if declared.is_empty() {
                break;
            }
            let Some(def) = declared.get(step) else {
                let near = nearest(step, declared.keys().map(String::as_str));
                context.sink.error_mend(
                    &codes::FUNCTION_TARGET,
                    given.at,
                    format!("boot data uses the VNF property `{}`, which is not declared", path.join(".")),
                    near.map_or_else(
                        || format!("declare `{step}` in the data type of `{}`", walked.join(".")),
                        |n| format!("did you mean `{n}`?"),
                    ),
                );
                break;
            };
            walked.push(step);
            declared = types.properties(TypeKind::Data, &def.schema.type_name);
        }
    }
}
