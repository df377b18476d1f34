package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
	"github.com/package-url/packageurl-go"
)

// writeBOM writes a CycloneDX bill of materials: what the linker says that it put into a binary, which is less than what
// go.mod lists, and the standard library.
func (r *release) writeBOM(binary, command, name string) error {
	data, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	e := cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true)
	if err := e.EncodeVersion(r.bom(command, sha256.Sum256(data), info), cdx.SpecVersion1_6); err != nil {
		return err
	}
	return file.Close()
}

func (r *release) bom(command string, sum [sha256.Size]byte, info *debug.BuildInfo) *cdx.BOM {
	main := cdx.Component{
		BOMRef: command, Type: cdx.ComponentTypeApplication, Name: command, Version: r.version,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
	}
	libraries := []cdx.Component{library("stdlib", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		libraries = append(libraries, library(dep.Path, dep.Version, dep.Sum))
	}
	var refs []string
	for _, l := range libraries {
		refs = append(refs, l.BOMRef)
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = uuid.NewSHA1(uuid.NameSpaceOID, sum[:]).URN() // of the binary: as unique, and never by chance
	bom.Metadata = &cdx.Metadata{Timestamp: r.date.Format(time.RFC3339), Component: &main}
	bom.Components = &libraries
	bom.Dependencies = &[]cdx.Dependency{{Ref: command, Dependencies: &refs}}
	return bom
}

func library(module, version, sum string) cdx.Component {
	namespace, name := path.Split(module)
	purl := packageurl.NewPackageURL(packageurl.TypeGolang, namespace, name, version, nil, "").ToString()
	return cdx.Component{
		BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: module, Version: version, PackageURL: purl, Hashes: hashes(sum),
	}
}

// hashes of a module from go.sum's: `h1:` is a SHA-256 in base64.
func hashes(sum string) *[]cdx.Hash {
	text, ok := strings.CutPrefix(sum, "h1:")
	data, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		return nil
	}
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(data)}}
}
