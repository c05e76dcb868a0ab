# LibreOffice without a screen, as a clerk would use it: see its callers. A
# private profile with two macros: one opens a workbook where it lies, types
# into cells of its first sheet and saves it, as Ctrl+S does; the other saves
# it under another name and type.

libreoffice_macros=$scenario/office/user/basic/Standard

libreoffice_start() {	# 77 where it is not installed
	command -v soffice >/dev/null || skip "LibreOffice is not installed"
	mkdir -p "$scenario/office"
	# the first run makes the profile
	libreoffice --terminate_after_init
	[ -d "$libreoffice_macros" ] || fail "LibreOffice has made no profile"
	sed -i '/<library:element/d; /<\/library:library>/i \
 <library:element library:name="Clerk"/>' "$libreoffice_macros/script.xlb"
	cat >"$libreoffice_macros/Clerk.xba" <<-'END'
	<?xml version="1.0" encoding="UTF-8"?>
	<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
	<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Clerk" script:language="StarBasic">
	Function Opened(path As String)
		Dim hidden(0) As New com.sun.star.beans.PropertyValue
		hidden(0).Name = "Hidden"
		hidden(0).Value = True
		Opened = StarDesktop.loadComponentFromURL(ConvertToURL(path), _
			"_blank", 0, hidden())
	End Function
	Sub Save(path As String, changes As String)
		Dim book, sheet, change, pair
		book = Opened(path)
		sheet = book.Sheets.getByIndex(0)
		For Each change In Split(changes, ";")
			pair = Split(change, "=")
			sheet.getCellRangeByName(pair(0)).setFormula(pair(1))
		Next
		book.store()
		book.close(True)
		StarDesktop.terminate()
	End Sub
	Sub SaveAs(path As String, target As String, kind As String)
		Dim book
		Dim filter(0) As New com.sun.star.beans.PropertyValue
		filter(0).Name = "FilterName"
		filter(0).Value = kind
		book = Opened(path)
		book.storeAsURL(ConvertToURL(target), filter())
		book.close(True)
		StarDesktop.terminate()
	End Sub
	</script:module>
	END
}

libreoffice() {
	timeout 60 soffice "-env:UserInstallation=file://$scenario/office" \
		--headless --norestore "$@" >>"$scenario/office.log" 2>&1 ||
		{ cat "$scenario/office.log"; fail "LibreOffice: $*"; }
}

libreoffice_save() {	# FILE CELL=VALUE;CELL=VALUE …
	libreoffice "macro:///Standard.Clerk.Save(\"$1\",\"$2\")"
}

libreoffice_save_as() {	# FILE TARGET TYPE
	libreoffice "macro:///Standard.Clerk.SaveAs(\"$1\",\"$2\",\"$3\")"
}

libreoffice_convert() {	# CSV-FILE TYPE FOLDER: every column as text
	libreoffice --infilter="CSV:44,34,76,1,1/2/2/2/3/2" --convert-to "$2" \
		--outdir "$3" "$1"
}
