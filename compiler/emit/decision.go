package emit

import (
	"fmt"

	"agentc/compiler/artifact"
	"agentc/compiler/model"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxBundle is how many compressed bytes go into a ConfigMap. Kubernetes refuses objects above 1 MiB, and base64, which etcd
// does not see, is not what counts; the rest is for the object around the bytes and for a seal.
const maxBundle = 900 << 10

// maxObject is what Kubernetes takes in a ConfigMap.
const maxObject = 1 << 20

// bundleKey is the bundle's name within its ConfigMap.
const bundleKey = "bundle.tar.gz"

// bundleName is the ConfigMap that holds the bundle. Its name never changes, so that agentd notices a new one where it lies.
func bundleName(env *model.Environment) string { return model.Join(env.Fleet.Name, "bundle") }

// BundleFolder is where the unpacked bundle of an environment stands, with its slash last.
func BundleFolder(env *model.Environment) string { return env.Name + "/bundle/" }

// archiveFile is the packed bundle where no ConfigMap holds it.
func archiveFile(env *model.Environment) string { return env.Name + "/" + bundleKey }

// decision writes the OPA bundle: unpacked, for those who review it, and packed, for the cluster: in a ConfigMap, or as a
// file for whoever publishes to put where agentd fetches it.
func decision(env *model.Environment, out *Out) error {
	files, err := bundleFiles(env)
	if err != nil {
		return err
	}
	for _, f := range files {
		out.File(BundleFolder(env)+f.Path, f.Data, f.From...)
	}
	archive, err := PackBundle(files)
	if err != nil {
		return err
	}
	if env.BundleFrom != nil {
		out.File(archiveFile(env), archive, origin("", under(env.From, "bundle")))
		return nil
	}
	if len(archive) > maxBundle {
		return &BundleTooLargeError{env, len(archive)}
	}
	out.Object(systemFile(env, "bundle"), wavePolicy, &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: meta(env, env.System.Namespace, bundleName(env), wavePolicy),
		BinaryData: map[string][]byte{bundleKey: archive},
	}, origin("", env.From))
	return nil
}

// SetBundle puts another archive in the place of an environment's packed bundle.
func SetBundle(tree *artifact.Tree, env *model.Environment, archive []byte) error {
	if env.BundleFrom != nil {
		return tree.SetFile(artifact.File{Path: archiveFile(env), Data: archive})
	}
	if len(archive) > maxObject {
		return &BundleTooLargeError{env, len(archive)}
	}
	return setConfigMap(tree, systemFile(env, "bundle"), bundleName(env), func(c *corev1.ConfigMap) {
		c.BinaryData = map[string][]byte{bundleKey: archive}
	})
}

// BundleTooLargeError says that a fleet has outgrown the ConfigMap. It is the author's to solve, not a fault of the compiler.
type BundleTooLargeError struct {
	Environment *model.Environment
	Size        int // compressed, in bytes
}

func (e *BundleTooLargeError) Error() string {
	return fmt.Sprintf("the bundle of %s has %d KiB compressed, and a ConfigMap takes %d; let agentd fetch it from an endpoint "+
		"(bundle.endpoint and bundle.path), or split the fleet", e.Environment.Name, (e.Size+1023)>>10, maxBundle>>10)
}

// bundleFiles are the files of the bundle below its root, by name.
func bundleFiles(env *model.Environment) ([]artifact.File, error) {
	modules, err := bundleModules(env)
	if err != nil {
		return nil, err
	}
	data, err := artifact.JSON(bundleDataOf(env))
	if err != nil {
		return nil, err
	}
	selfTest, err := selfTestOf(env).encode()
	if err != nil {
		return nil, err
	}
	files := append(append(modules, forests(env)...),
		artifact.File{Path: "agentc/data.json", Data: data, From: bundleOrigins(env)},
		artifact.File{Path: "selftest.json", Data: selfTest, From: []artifact.Origin{origin("", env.From)}},
	)
	return withManifest(env, files)
}

// forests are the anomaly models that stand before agents, byte for byte, and what was taught to them.
func forests(env *model.Environment) []artifact.File {
	if env.Policy.Anomaly == nil {
		return nil
	}
	var files []artifact.File
	for _, f := range env.Policy.Anomaly.Forests {
		name := "forests/" + f.Agent.Name
		files = append(files, artifact.File{Path: name + ".json", Data: f.Model.Data, From: []artifact.Origin{origin("", f.Model.From), origin("", f.From)}})
		if f.Feedback != nil {
			files = append(files, artifact.File{Path: name + ".feedback.json", Data: f.Feedback.Data, From: []artifact.Origin{origin("", f.Feedback.From)}})
		}
	}
	return files
}

// bundleOrigins lead from data.json to the spec.
func bundleOrigins(env *model.Environment) []artifact.Origin {
	from := []artifact.Origin{origin("", env.From)}
	for _, a := range env.Agents {
		from = append(from, origin("fleet.agents."+a.Name, fromAgent(a).Ref))
	}
	for _, r := range env.Policy.Rules {
		from = append(from, origin(fmt.Sprintf("rules[%q]", r.ID), r.From))
	}
	if env.Page != nil {
		from = append(from, origin("escalation.page", env.Page.From))
	}
	for _, r := range env.Policy.Escalation.Routes {
		from = append(from, origin("escalation.routes."+r.Name, r.From))
	}
	for _, p := range env.Policy.Escalation.People {
		from = append(from, origin("escalation.people."+p.Name, p.From))
	}
	from = append(from, origin("runtime", env.Runtime.From))
	for _, in := range env.Intakes {
		from = append(from, origin("runtime.intakes."+in.Name, in.From))
	}
	if a := env.Policy.Anomaly; a != nil {
		from = append(from, origin("anomaly", a.From))
		for i, c := range a.Classes {
			from = append(from, origin(fmt.Sprintf("anomaly.classes[%d]", i), c.From))
		}
		for _, f := range a.Forests {
			from = append(from, origin("anomaly.forests."+f.Agent.Name, f.From))
		}
	}
	return from
}
