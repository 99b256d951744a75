#include "exporter/process/cgroup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ostream>
#include <string>

#include "exporter/process/proc_file.h"

namespace jemalloc_exporter {

void PrintTo(const Cgroup& cgroup, std::ostream* out) {
  *out << '{' << cgroup.unit << ", " << cgroup.container_id << ", "
       << cgroup.pod_uid << '}';
}

namespace {

const std::string kId(64, 'a');
const std::string kUid = "304f6c86-d20b-45aa-95ad-db5edc2e8b43";
const std::string kSlice = "pod304f6c86_d20b_45aa_95ad_db5edc2e8b43.slice";

struct Layout {
  std::string name;
  std::string contents;
  Cgroup cgroup;
};

class CgroupLayouts : public testing::TestWithParam<Layout> {};

TEST_P(CgroupLayouts, IsParsed) {
  EXPECT_EQ(ParseCgroup(GetParam().contents), GetParam().cgroup);
}

const Layout kUnits[] = {
    {"Service",
     "0::/system.slice/redis-server.service\n",
     {.unit = "redis-server.service"}},
    {"Template",
     "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n",
     {.unit = "postgresql@15-main.service"}},
    {"UserUnit",
     "0::/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service\n",
     {.unit = "foo.service"}},
    {"Session",
     "0::/user.slice/user-0.slice/session-3.scope\n",
     {.unit = "session-3.scope"}},
    {"Hybrid",
     "1:name=systemd:/system.slice/nginx.service\n"
     "0::/system.slice/nginx.service\n",
     {.unit = "nginx.service"}},
    {"Lxc",
     "0::/lxc.payload.web/system.slice/redis-server.service\n",
     {.unit = "redis-server.service"}},
    {"EscapedCharacters",
     "0::/system.slice/evil\\x22,x=\\x22.service\n",
     {.unit = "evil\\x22,x=\\x22.service"}},
    {"Root", "0::/\n", {}},
    {"RootOfTheFirstHierarchy",
     "9:name=systemd:/\n4:memory:/system.slice/nginx.service\n0::/\n",
     {.unit = "nginx.service"}},
};

const Layout kContainers[] = {
    {"Docker",
     "0::/system.slice/docker-" + kId + ".scope\n",
     {.container_id = kId}},
    {"DockerVersion1",
     "4:memory:/docker/" + kId + "\n1:name=systemd:/docker/" + kId + "\n",
     {.container_id = kId}},
    {"Podman",
     "0::/machine.slice/libpod-" + kId + ".scope/container\n",
     {.container_id = kId}},
    {"PodmanQuadlet",
     "0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/"
     "libpod-payload-" +
         kId + "\n",
     {.unit = "web.service", .container_id = kId}},
    {"OutsideOfTheNamespace",
     "0::/../cri-containerd-" + kId + ".scope\n",
     {.container_id = kId}},
    {"UnitInAContainer",
     "0::/system.slice/docker-" + kId + ".scope/system.slice/nginx.service\n",
     {.unit = "nginx.service", .container_id = kId}},
    {"InnermostOfTwo",
     "0::/docker/" + std::string(64, 'b') + "/docker/" + kId + "\n",
     {.container_id = kId}},
};

const Layout kPods[] = {
    {"Containerd",
     "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" +
         kSlice + "/cri-containerd-" + kId + ".scope\n",
     {.container_id = kId, .pod_uid = kUid}},
    {"GuaranteedCrio",
     "0::/kubepods.slice/kubepods-" + kSlice + "/crio-" + kId +
         ".scope/container\n",
     {.container_id = kId, .pod_uid = kUid}},
    {"CgroupfsVersion1",
     "11:memory:/kubepods/burstable/pod" + kUid + "/" + kId +
         "\n1:name=systemd:/kubepods/burstable/pod" + kUid + "/" + kId + "\n",
     {.container_id = kId, .pod_uid = kUid}},
    {"StaticPod",
     "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
     "aaaabbbbccccddddeeeeffff00001111.slice/cri-containerd-" +
         kId + ".scope\n",
     {.container_id = kId, .pod_uid = "aaaabbbbccccddddeeeeffff00001111"}},
    {"KubeletOfKind",
     "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-" + kSlice +
         "/cri-containerd-" + kId + ".scope\n",
     {.container_id = kId, .pod_uid = kUid}},
    {"ContainerdOnCgroupfs",
     "0::/system.slice/containerd.service/kubepods-besteffort-" + kSlice +
         ":cri-containerd:" + kId + "\n",
     {.container_id = kId, .pod_uid = kUid}},
};

// None of these is a container or a pod.
const Layout kSimilar[] = {
    {"Empty", "", {}},
    {"NoPath", "0::\n", {}},
    {"NoFields", "\n:\n0:\n", {}},
    {"ShortId", "0::/docker/" + kId.substr(1) + "\n", {}},
    {"LongId", "0::/docker/" + kId + "a\n", {}},
    {"CapitalId", "0::/docker/" + std::string(64, 'A') + "\n", {}},
    {"ServiceOfDigits",
     "0::/system.slice/redis-cafe.service\n",
     {.unit = "redis-cafe.service"}},
    {"ShortPodUid", "0::/kubepods/pod304f6c86-d20b\n", {}},
    {"PodUidWithoutHyphens",
     "0::/kubepods/pod" + std::string(36, 'a') + "\n",
     {}},
    {"AnotherWord", "0::/tripod" + kUid + "\n", {}},
};

// A group that was delegated can have any name but a newline.
const Layout kHostile[] = {
    {"InvalidUtf8",
     "0::/\xFF\x01.service\n",
     {.unit = "\xEF\xBF\xBD\xEF\xBF\xBD.service"}},
    {"LongName",
     "0::/" + std::string(5'000, 'x') + ".service\n",
     {.unit = std::string(255, 'x')}},
};

std::string NameOf(const testing::TestParamInfo<Layout>& layout) {
  return layout.param.name;
}

INSTANTIATE_TEST_SUITE_P(Units, CgroupLayouts, testing::ValuesIn(kUnits),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Containers, CgroupLayouts,
                         testing::ValuesIn(kContainers), NameOf);
INSTANTIATE_TEST_SUITE_P(Pods, CgroupLayouts, testing::ValuesIn(kPods), NameOf);
INSTANTIATE_TEST_SUITE_P(Similar, CgroupLayouts, testing::ValuesIn(kSimilar),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Hostile, CgroupLayouts, testing::ValuesIn(kHostile),
                         NameOf);

TEST(ReadCgroup, IsThatOfTheProcess) {
  EXPECT_EQ(ReadCgroup(getpid()),
            ParseCgroup(ReadProcFile("/proc/self/cgroup")));
}

TEST(ReadCgroup, IsEmptyWithoutTheProcess) {
  EXPECT_EQ(ReadCgroup(-1), Cgroup{});
}

}  // namespace
}  // namespace jemalloc_exporter
