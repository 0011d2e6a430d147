# bin, libexec, man pages, units, example configuration, and the package.
foreach(daemon smtpd maild popd)
	if(TARGET ${daemon})
		install(TARGETS ${daemon}
			RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/pennypost)
	endif()
	# made at install time: a package has another prefix than the build
	install(CODE "
		set(PP_LIBEXEC \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBEXECDIR}\")
		configure_file(
			${CMAKE_SOURCE_DIR}/packaging/systemd/pennypost-${daemon}.service.in
			${CMAKE_BINARY_DIR}/packaging/pennypost-${daemon}.service @ONLY)")
	install(FILES ${CMAKE_BINARY_DIR}/packaging/pennypost-${daemon}.service
		DESTINATION lib/systemd/system)
endforeach()
if(TARGET mailctl)
	install(TARGETS mailctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

file(GLOB PP_SOCKETS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/packaging/systemd/*.socket)
install(FILES ${PP_SOCKETS} DESTINATION lib/systemd/system)
install(FILES packaging/pennypost.tmpfiles DESTINATION lib/tmpfiles.d
	RENAME pennypost.conf)

foreach(section 1 5 8)
	file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.${section})
	if(pages)
		install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
	endif()
endforeach()
install(FILES README.md LICENSE docs/design.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES docs/examples/internet.json
	DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES packaging/pennypost.conf.example
	DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME pennypost.conf)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pennypost)
set(CPACK_PACKAGE_CONTACT "Penny Post <pennypost@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "mail server suite: SMTP, mailboxes, POP3")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, openssl")
set(CPACK_DEBIAN_PACKAGE_PROVIDES mail-transport-agent)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
	${CMAKE_SOURCE_DIR}/packaging/debian/postinst
	${CMAKE_SOURCE_DIR}/packaging/debian/prerm
	${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
include(CPack)
