package main

import (
	"encoding/csv"
	"os"
	"strings"

	"agentc/forest"
	"agentc/forest/report"
)

// set is one of forest/testdata, with the AUC that others published of it.
type set struct {
	name            string
	rows            forest.Rows
	anomaly         []bool
	paper, linkedIn string
}

func readSets() ([]set, error) {
	file, err := os.Open("forest/testdata/reference.csv")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, err
	}
	var all []set
	for _, line := range lines[1:] {
		_, name, _ := strings.Cut(strings.ToLower(line[0]), "_")
		s := set{name: name, paper: line[11], linkedIn: line[12]}
		if err := s.read(); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (s *set) read() error {
	file, err := os.Open("forest/testdata/" + s.name + ".csv.gz")
	if err != nil {
		return err
	}
	defer file.Close()
	table, err := forest.NewTable(file, nil)
	if err != nil {
		return err
	}
	all, err := table.ReadAll()
	if err != nil {
		return err
	}
	last := len(all.Features) - 1
	s.rows.Features = all.Features[:last]
	for i := range all.Len() {
		row := all.Row(i)
		s.rows.Values = append(s.rows.Values, row[:last]...)
		s.anomaly = append(s.anomaly, row[last] == 1)
	}
	return nil
}

func (s *set) anomalies() int {
	n := 0
	for _, is := range s.anomaly {
		if is {
			n++
		}
	}
	return n
}

// judge scores the rows of a set that are not left out.
func (s *set) judge(f *forest.Forest, without []bool) (*report.Judged, error) {
	var j report.Judged
	scorer := f.Scorer()
	for i := range s.rows.Len() {
		if without != nil && without[i] {
			continue
		}
		r, err := scorer.Score(s.rows.Row(i))
		if err != nil {
			return nil, err
		}
		j.Add(r.DepthSum, s.anomaly[i])
	}
	return &j, nil
}
