//! What stories ask of the ground that their VNFs run on, whichever it is: the private NFVI of hosts, or an OpenStack. The same
//! text runs on both.

use std::time::{Duration, Instant};

use reference_points::or_vi::{ComputeState, ViClient};
use uuid::Uuid;

use crate::cloud::{Cloud, Holdings};
use crate::lab::{Lab, Wishes};

/// An OpenStack beneath a lab, and what its project held before.
#[derive(Debug)]
pub struct Project {
    cloud: Cloud,
    name: &'static str,
    before: Option<Holdings>,
}

impl Lab {
    /// A lab over a project of the OpenStack that runs already; `None` when there is none, which is said.
    pub async fn openstack(project: &'static str, wishes: &Wishes) -> Option<Self> {
        let cloud = Cloud::lab()?;
        let before = cloud.holdings(project);
        let mut lab = Self::on_cloud(cloud.kind(project), wishes).await;
        lab.project = Some(Project { cloud, name: project, before });
        Some(lab)
    }

    /// Whether it stands on an OpenStack.
    pub fn is_openstack(&self) -> bool {
        self.project.is_some()
    }

    /// The OpenStack beneath.
    pub fn cloud(&self) -> &Cloud {
        &self.project.as_ref().expect("this lab has an OpenStack").cloud
    }

    /// One HTTP request from the outside world: the body, or nothing when no answer comes.
    pub fn request_from_outside(&self, url: &str) -> Option<String> {
        match &self.project {
            Some(project) => project.cloud.request_from_outside(url),
            None => self.nfvi().request_from_outside(url),
        }
    }

    /// As [`Lab::request_from_outside`], from where the VNFs are managed.
    pub fn request_from_management(&self, url: &str) -> Option<String> {
        match &self.project {
            Some(project) => project.cloud.request_from_management(url),
            None => self.nfvi().request_from_management(url),
        }
    }

    /// The network namespace of a place beside the VNFs: `outside`, or `mgmt`.
    pub fn namespace(&self, place: &str) -> String {
        match &self.project {
            Some(project) => project.cloud.namespace(place),
            None => self.nfvi().namespace(place),
        }
    }

    /// How many machines run.
    pub fn machines(&self) -> usize {
        match &self.project {
            Some(project) => project.cloud.machines(),
            None => self.nfvi().machines().len(),
        }
    }

    /// Waits until a compute is seen in a state.
    pub async fn compute_is(&self, compute: Uuid, state: ComputeState) {
        let vi = ViClient::new(&self.services["vim-adapter"].url);
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let found = vi.compute(self.vim, compute).await.expect("asked").expect("the compute");
            if found.state == state {
                return;
            }
            assert!(Instant::now() < until, "{found:#?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Ends the process of a compute's machine, as a fault of the host would.
    pub async fn kill_machine(&self, compute: Uuid) {
        let Some(project) = &self.project else {
            self.nfvi().virsh(&["destroy", &machine(compute)]);
            return;
        };
        let vi = ViClient::new(&self.services["vim-adapter"].url);
        let its = vi.compute(self.vim, compute).await.expect("asked").expect("the compute").vim_resource_id;
        project.cloud.virsh(&["destroy", &its.expect("its server")]);
    }

    /// Asserts that nothing is anywhere that nobody owns, and that nothing of this lab's is left beneath.
    pub async fn nothing_is_left(&self) {
        self.nothing_leaks().await;
        self.nothing_is_beneath().await;
    }

    /// Asserts that nothing of this lab's is left beneath. Images belong to packages and stay with them: in a cloud they are
    /// removed first.
    pub async fn nothing_is_beneath(&self) {
        let Some(project) = &self.project else {
            assert_eq!(self.nfvi().virsh(&["list", "--all", "--name"]).trim(), "");
            assert_eq!(self.nfvi().ovn_nbctl(&["show"]).trim(), "");
            assert!(!self.nfvi().ovs_vsctl(&["list-ports", "br-int"]).contains("tap"));
            return;
        };
        let vi = ViClient::new(&self.services["vim-adapter"].url);
        for image in vi.software_images(self.vim).await.expect("asked") {
            vi.delete_software_image(self.vim, image.id).await.expect("removed");
        }
        let inventory = vi.inventory(self.vim).await.expect("asked");
        assert!(inventory.items.is_empty() && inventory.gaps.is_empty(), "{inventory:#?}");
        if let Some(before) = &project.before {
            assert_eq!(project.cloud.holdings(project.name).as_ref(), Some(before));
        }
    }
}

/// Name of a compute's machine on a host.
pub fn machine(compute: Uuid) -> String {
    format!("mano-{}", &compute.as_simple().to_string()[20..])
}
