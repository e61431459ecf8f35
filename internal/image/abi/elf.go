package abi

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// object is what the dynamic loader goes by in an ELF file.
type object struct {
	Machine  elf.Machine `json:"machine"`
	Class    byte        `json:"class"`
	Order    byte        `json:"order"`
	Type     elf.Type    `json:"type"`
	Interp   string      `json:"interp,omitempty"` // the loader that the file asks for
	Soname   string      `json:"soname,omitempty"`
	Needed   []string    `json:"needed,omitempty"`
	Rpath    string      `json:"rpath,omitempty"`
	Runpath  string      `json:"runpath,omitempty"`
	Versym   bool        `json:"versym,omitempty"`   // its symbols have versions, be they of others
	Defines  []string    `json:"defines,omitempty"`  // symbol versions that it offers
	Requires []version   `json:"requires,omitempty"` // symbol versions that it wants of others

	size int // bytes of all its names
}

// version is a symbol version wanted of a library. A weak one may be absent.
type version struct {
	Library string `json:"library"`
	Name    string `json:"name"`
	Weak    bool   `json:"weak,omitempty"`
}

// Bounds on what a file may claim. The largest real ones have some hundred entries.
const (
	maxEntries = 4096
	maxName    = 4096
	maxPath    = 1 << 16
	maxNames   = 1 << 20 // bytes, all names of a file together
)

var errTruncated = errors.New("it is cut off")

func isELF(head []byte) bool { return bytes.HasPrefix(head, []byte(elf.ELFMAG)) }

// parseELF reads a file as the loader does, by its program headers: debug/elf goes by
// sections, which a stripped file may lack and which the loader never looks at.
// Object files and core dumps, which nobody loads, give nil.
func parseELF(b []byte) (*object, error) {
	if len(b) < elf.EI_NIDENT || !isELF(b) {
		return nil, errTruncated
	}
	r := &elfReader{b: b}
	o := &object{Class: b[elf.EI_CLASS], Order: b[elf.EI_DATA]}
	switch elf.Data(o.Order) {
	case elf.ELFDATA2LSB:
		r.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		r.order = binary.BigEndian
	default:
		return nil, fmt.Errorf("its header says byte order %d, which does not exist", o.Order)
	}
	switch elf.Class(o.Class) {
	case elf.ELFCLASS32:
	case elf.ELFCLASS64:
		r.wide = true
	default:
		return nil, fmt.Errorf("its header says class %d, which does not exist", o.Class)
	}
	o.Type, o.Machine = elf.Type(r.u16(16)), elf.Machine(r.u16(18))
	if r.bad {
		return nil, errTruncated
	}
	if o.Type != elf.ET_EXEC && o.Type != elf.ET_DYN {
		return nil, nil
	}
	if err := r.programs(o); err != nil {
		return nil, err
	}
	return o, nil
}

type elfReader struct {
	b     []byte
	order binary.ByteOrder
	wide  bool
	bad   bool // something outside the file was asked for, or more than there is sense in
	names int  // bytes of all names so far
	loads []segment
}

type segment struct{ off, addr, size uint64 }

func (r *elfReader) at(off, n uint64) []byte {
	if off > uint64(len(r.b)) || n > uint64(len(r.b))-off {
		r.bad = true
		return make([]byte, min(n, 8))
	}
	return r.b[off : off+n]
}

func (r *elfReader) u16(off uint64) uint16 { return r.order.Uint16(r.at(off, 2)) }
func (r *elfReader) u32(off uint64) uint32 { return r.order.Uint32(r.at(off, 4)) }

// word is a machine word.
func (r *elfReader) word(off uint64) uint64 {
	if r.wide {
		return r.order.Uint64(r.at(off, 8))
	}
	return uint64(r.u32(off))
}

// pick gives an offset inside a header, which differs with the class.
func (r *elfReader) pick(narrow, wide uint64) uint64 {
	if r.wide {
		return wide
	}
	return narrow
}

// programs goes through the program headers.
func (r *elfReader) programs(o *object) error {
	table := r.word(r.pick(28, 32))
	each, count := uint64(r.u16(r.pick(42, 54))), uint64(r.u16(r.pick(44, 56)))
	if r.bad {
		return errTruncated
	}
	if count > 0 && each < r.pick(32, 56) {
		return fmt.Errorf("its program headers are %d bytes each, which is too few", each)
	}
	var dynamic, interp *segment
	for i := range count {
		at := table + i*each
		kind := elf.ProgType(r.u32(at))
		s := segment{r.word(at + r.pick(4, 8)), r.word(at + r.pick(8, 16)), r.word(at + r.pick(16, 32))}
		if r.bad {
			return errTruncated
		}
		switch kind {
		case elf.PT_LOAD:
			if r.at(s.off, s.size); r.bad {
				return errTruncated
			}
			r.loads = append(r.loads, s)
		case elf.PT_DYNAMIC:
			dynamic = &s
		case elf.PT_INTERP:
			interp = &s
		}
	}
	if interp != nil {
		name := r.at(interp.off, interp.size)
		if r.bad || len(name) > maxName {
			return errors.New("the name of its loader lies outside the file")
		}
		name, _, _ = bytes.Cut(name, []byte{0})
		o.Interp = string(name)
	}
	if dynamic == nil || dynamic.size == 0 { // static, or debugging information alone
		return nil
	}
	return r.dynamic(o, *dynamic)
}

// offset finds the place in the file of an address in memory.
func (r *elfReader) offset(addr uint64) (uint64, bool) {
	for _, s := range r.loads {
		if addr >= s.addr && addr-s.addr < s.size {
			return s.off + addr - s.addr, true
		}
	}
	return 0, false
}

var errDynamic = errors.New("its dynamic section makes no sense")

// tags are the entries of the dynamic section that matter here, besides DT_NEEDED.
var tags = []elf.DynTag{elf.DT_STRTAB, elf.DT_STRSZ, elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH, elf.DT_VERSYM,
	elf.DT_VERDEF, elf.DT_VERDEFNUM, elf.DT_VERNEED, elf.DT_VERNEEDNUM}

// dynamic reads the dynamic section.
func (r *elfReader) dynamic(o *object, s segment) error {
	size := r.pick(4, 8)
	values := map[elf.DynTag]uint64{}
	var needed []uint64
	for at, end := s.off, s.off+s.size; at+2*size <= end; at += 2 * size {
		tag, value := elf.DynTag(int64(r.word(at))), r.word(at+size)
		if r.bad {
			return errDynamic
		}
		if !r.wide {
			tag = elf.DynTag(int32(r.u32(at)))
		}
		if tag == elf.DT_NULL {
			break
		}
		if tag == elf.DT_NEEDED {
			if needed = append(needed, value); len(needed) > maxEntries {
				return fmt.Errorf("it needs more than %d libraries", maxEntries)
			}
			continue
		}
		if slices.Contains(tags, tag) {
			values[tag] = value
		}
	}
	strtab, ok := r.offset(values[elf.DT_STRTAB])
	if !ok && len(needed) == 0 { // a static program that relocates itself
		return nil
	}
	if !ok {
		return errDynamic
	}
	names := names{r, strtab, values[elf.DT_STRSZ]}
	for _, n := range needed {
		o.Needed = append(o.Needed, names.get(n, maxName))
	}
	for tag, to := range map[elf.DynTag]*string{elf.DT_SONAME: &o.Soname, elf.DT_RPATH: &o.Rpath, elf.DT_RUNPATH: &o.Runpath} {
		if at, ok := values[tag]; ok {
			*to = names.get(at, maxPath)
		}
	}
	_, o.Versym = values[elf.DT_VERSYM]
	if at, ok := values[elf.DT_VERDEF]; ok {
		o.Defines = r.defines(names, at, values[elf.DT_VERDEFNUM])
	}
	if at, ok := values[elf.DT_VERNEED]; ok {
		o.Requires = r.requires(names, at, values[elf.DT_VERNEEDNUM])
	}
	if r.bad {
		return errDynamic
	}
	o.size = r.names
	return nil
}

// names is the table of strings.
type names struct {
	r       *elfReader
	at, len uint64
}

func (n names) get(off uint64, most int) string {
	if off >= n.len {
		n.r.bad = true
		return ""
	}
	rest := n.r.at(n.at+off, min(n.len-off, uint64(most)))
	if n.r.bad {
		return ""
	}
	end := bytes.IndexByte(rest, 0)
	if n.r.names += max(end, 0); end < 0 || n.r.names > maxNames {
		n.r.bad = true
		return ""
	}
	return string(rest[:end])
}

// defines reads the versions that a library defines (Elfxx_Verdef; the first auxiliary
// entry of each is its name, the rest are what it builds on). The file's own name stands
// there too, and is kept: the loader takes it.
func (r *elfReader) defines(n names, addr, count uint64) (all []string) {
	at, ok := r.offset(addr)
	if !ok || count > maxEntries {
		r.bad = true
		return nil
	}
	for range count {
		aux, next := uint64(r.u32(at+12)), uint64(r.u32(at+16))
		name := n.get(uint64(r.u32(at+aux)), maxName)
		if r.bad {
			return nil
		}
		all = append(all, name)
		if next == 0 {
			break
		}
		at += next
	}
	return all
}

// requires reads the versions wanted of other libraries (Elfxx_Verneed).
func (r *elfReader) requires(n names, addr, count uint64) (all []version) {
	at, ok := r.offset(addr)
	if !ok || count > maxEntries {
		r.bad = true
		return nil
	}
	for range count {
		library := n.get(uint64(r.u32(at+4)), maxName)
		aux, next := at+uint64(r.u32(at+8)), uint64(r.u32(at+12))
		for range r.u16(at + 2) {
			v := version{library, n.get(uint64(r.u32(aux+8)), maxName), r.u16(aux+4)&weak != 0}
			if r.bad || len(all) >= maxEntries {
				r.bad = true
				return nil
			}
			all = append(all, v)
			step := uint64(r.u32(aux + 12))
			if step == 0 {
				break
			}
			aux += step
		}
		if next == 0 || r.bad {
			break
		}
		at += next
	}
	return all
}

const weak = 0x2 // VER_FLG_WEAK

func (o *object) defines(name string) bool { return slices.Contains(o.Defines, name) }
