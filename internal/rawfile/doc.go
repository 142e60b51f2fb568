// Package rawfile opens plain files past Go's poller.
//
// A file of package os is offered to the poller when it is opened, which for a file on a disk is a
// system call that always fails, and carries what waiting in the poller needs. A change opens half a
// dozen files for some microseconds each. On Linux a File here is its descriptor and its path; on
// other systems it is an os.File.
//
// A File is used by one goroutine at a time and must be closed: nothing closes it by itself.
package rawfile
